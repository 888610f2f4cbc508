"""Losses: functions of (prediction, target) that give one number, 0 where the two are equal.

    distance        l1, l2, each with optional weights
    encoding        what to put both through first: logarithms, PU21
    corrected       decibels of PU21 after the tone-curve correction
    gradient        squared differences of first differences (dMSE)
    ssim            structural dissimilarity
    perceptual      distances of VGG16 features
    adversarial     what generator and discriminator want of each other

They compute in the precision that they are given, which in the loop is float32 for whatever the network
returns in float32, and are means over the batch and all pixels unless they say otherwise.
"""
