"""For all tests."""

from hypothesis import settings

# A deadline is a timing assertion: it fails where the machine is busy, and says nothing of the code.
settings.register_profile("linsang", deadline=None)
settings.load_profile("linsang")
