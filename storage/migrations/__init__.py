"""The ledger's schema through time, one file per revision, forward only."""
