"""DuHDR: single-image HDR reconstruction by dual learning of the camera's imaging process.

    dequantization        Dnet, the inverse of quantization
    response_curve        INnet and Nnet, the inverse response and the response
    inverse_truncation    ITnet, the inverse of truncation
    optimization          OOnet, which adjusts the whole
    imaging               the secondary path, from light to an SDR picture
    network               their assembly, its sizes, and what it is as a method

    primary:    SDR → Dnet → INnet → ITnet → OOnet → light
    secondary:  SDR ← Q ← Nnet ← C ← light

References:  [duhdr2023]
"""
