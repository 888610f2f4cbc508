"""From scenes to weights: recipes, one loop, checkpoints that survive, and the losses."""
