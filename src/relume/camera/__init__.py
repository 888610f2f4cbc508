"""From the light of a scene to an SDR file: what a camera does, stage by stage, differentiable.

    camera            `Camera`, the composition, and `Shot`, what it returns
    presets           named and versioned cameras: those of the papers, and ours
    learned_camera    a camera whose response a network chooses
    white_balance     a cast
    hue_saturation    turned hues
    exposure          how much light: in stops, or until a share of the picture clips
    noise             photon noise and read noise
    tone_mapping      an operator makes the picture
    truncation        what becomes of light above the level that clips
    response/         from irradiance to code
    quantization      to whole codes
    compression       JPEG

A stage is a frozen dataclass. If it is random it has `draw(light, generator)`, which gives parameters for
each picture of the batch, and `apply(light, parameters)`, which uses them and is differentiable; if not,
`apply` alone. A new stage is a file here and a field of `Camera`.
"""
