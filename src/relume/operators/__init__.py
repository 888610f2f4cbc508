"""Classical operators, each in one file named by author and year: `expand` (SDR to HDR), `tonemap` (back)."""
