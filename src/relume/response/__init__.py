"""Responses: the curve from the light on a sensor (irradiance) to the code value in the file.

    curve         sampled curves: looking up, turning round, repairing
    joint         curves that the channels of a pixel share
    formulas      curves given by a formula
    population    the population of formulas that stands for real cameras
    basis         mean and principal curves, ours from that population
    tables        the basis and the curves of Grossberg and Nayar, from the user's copies of their files

A curve is sampled at evenly spaced irradiances from 0 to 1, goes from exactly 0 to exactly 1 and never falls.
Cameras draw them (`relume.camera.response`), networks estimate them.
"""
