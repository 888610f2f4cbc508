"""How near predictions come to references: protocols, scores, intervals and reports."""
