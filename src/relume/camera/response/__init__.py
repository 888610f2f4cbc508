"""Responses: the curve from the light on a sensor (irradiance) to the code value in the file.

    curve         sampled curves: looking up, turning round, repairing
    families      curves given by a formula, and responses that draw their parameters
    population    the population of formulas that stands for real cameras
    basis         mean and principal curves, ours from that population
    emor          the basis of Grossberg and Nayar, from the user's copy of its file
    dorf          the curves that it was computed from, likewise
    response      the stage of a camera; responses that draw from populations, lists and mixtures

A curve is sampled at evenly spaced irradiances from 0 to 1, goes from exactly 0 to exactly 1 and never falls.
"""
