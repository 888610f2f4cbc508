"""Image quality metrics, one file each; operands are (prediction, reference), in this order."""
