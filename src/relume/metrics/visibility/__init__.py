"""What the versions of HDR-VDP share: the stages of early vision, from light on the eye to visible bands."""
