"""From pictures to numbers that can be trusted: protocols, scoring, intervals, reports."""
