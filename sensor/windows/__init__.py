"""Windows: trace sessions (ETW), event log, service. Imports nothing of Windows until it is used."""
