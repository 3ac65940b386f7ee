#!/bin/bash
# What demo.linsang is a recording of: a morning of an administrator, and between it every way of running something
# through a trusted program that works on a minimal system. Harmless: the payload is always `id` or `true`.
# It is started by make_demo.py; the pauses let each pipe end before the next line.
cd "$(mktemp -d)" || exit 1
exec </dev/null >session.log 2>&1

# daily work: none of this is to alert
ls -l /etc
grep -c processor /proc/cpuinfo
find /etc -maxdepth 1 -name '*.conf' -exec sh -c 'wc -l "$@"' sh {} +
tar -cf etc.tar --checkpoint=100 --checkpoint-action=dot /etc/default
split -b 4k --filter='gzip > $FILE.gz' etc.tar part-
timeout 5 sh -c 'sleep 0.1; true'
nice -n 10 ionice -c3 sh -c 'sort /etc/passwd | tail -n 1'
flock -n lock -c 'date'
ldd /usr/bin/id
echo 'vm.swappiness = 10' | tee sysctl.conf
python3 -c 'import sys; print(sys.version)'
awk -F: '{ n += $3 } END { print n }' /etc/passwd

# what trusted programs can be made to run
env nice timeout 5 bash -c 'id | tee /tmp/x'
nohup setsid sh -c true
env /bin/sh
split --filter=/bin/sh /etc/hostname
tar -cf /dev/null /etc/hostname --checkpoint=1 --checkpoint-action=exec=id
find /etc/hostname -exec /bin/sh \; -quit
echo id | xargs -I {} bash -c {}
awk 'BEGIN { system("/bin/sh -c id") }'
script -qc /bin/bash /dev/null
flock -u / /bin/sh
timeout 7d /bin/sh
stdbuf -o0 /bin/sh -p
/lib64/ld-linux-x86-64.so.2 /bin/sh -c id
sed -n '1e id' /etc/hostname
python3 -c 'import os; os.system("/bin/sh -c id")'
bash -c 'echo aWQK | base64 -d | bash'
timeout 5 sh -c 'echo aWQK | base64 -d | sh'
nice -n 5 sh
sleep 0.5
rm -rf "$PWD"
