"""Measurements against the peers, in one run on one machine: ``make bench``. Read ratios, not absolutes."""
