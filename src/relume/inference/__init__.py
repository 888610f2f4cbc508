"""Running methods on pictures of any size: sources, checks, tiles, memory, devices."""
