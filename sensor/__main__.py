"""`python -m sensor` is `linsang`."""

from sensor.cli import main

raise SystemExit(main())
