"""Folders that the settings begin with."""

# Where payloads lie and what makes a host run them again (attack.mitre.org T1105, T1053, T1543, T1546).
PLACES = (
    *("/tmp", "/var/tmp", "/dev/shm", "/run", "/home", "/root", "/srv", "/opt", "/usr/local", "/var/www", "/etc"),
    *("/var/spool/cron", "/lib/systemd", "/usr/lib/systemd"),
)
# What packages fill, and nobody else but root (Filesystem Hierarchy Standard 3.0).
TREES = (
    *("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/share"),
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64"),
)
