#!/bin/sh
# Ordinary administration, in a folder of its own: ordinary-session.sh FOLDER [packages]
# No shipped rule may raise an alert of medium or higher on any of it (tests/kernel/test_ordinary.py).
# With `packages` a package is also installed, reconfigured and removed: needs root and a mirror.
# Each line stands for itself: a tool that is missing, or fails here, is passed over.
set -u
work=$1
mkdir -p "$work" && cd "$work" || exit 1
export HOME="$work" LC_ALL=C GIT_CONFIG_NOSYSTEM=1
have() { command -v "$1" >/dev/null 2>&1; }
exec </dev/null >session.log 2>&1

# backups and housekeeping
mkdir -p tree/a tree/b backup cron.daily
for n in 1 2 3; do echo "line $n" >"tree/a/$n.txt"; done
tar czf backup/tree.tar.gz tree
tar -C tree -cf - . | tar -C backup -xf -
tar --checkpoint=100 --checkpoint-action=dot -cf backup/dot.tar tree
tar -I gzip -cf backup/by-gzip.tar.gz tree
tar --use-compress-program='xz -1' -cf backup/by-xz.tar.xz tree
tar -tzf backup/tree.tar.gz
split -b 100 --filter='gzip >$FILE.gz' backup/dot.tar backup/piece.
split -n 2 backup/dot.tar backup/half.
find tree | cpio -o -H newc --quiet >backup/tree.cpio
have rsync && rsync -a --delete tree/ backup/rsync/
have zip && zip -qr backup/tree.zip tree && unzip -tq backup/tree.zip
find tree -type f -mtime +30 -delete
find tree -type f -name '*.txt' -exec gzip -k9 {} +
find tree -type f -exec sh -c 'for f; do wc -l "$f"; done' sh {} +
find . -name '*.sh' -exec chmod 755 {} \;
find tree -name '*.gz' -print0 | xargs -0 -r ls -l
find tree -name '*.txt' -print0 | xargs -0 -n1 -P2 sh -c 'gzip -9c "$1" >/dev/null' sh
ls tree/a | xargs -I{} sh -c 'test -f tree/a/{} && cat tree/a/{}' >/dev/null
echo "127.0.0.1 build" | tee hosts.local >/dev/null
echo more | tee -a hosts.local
base64 tree/a/1.txt | base64 -d
openssl enc -aes-256-cbc -pbkdf2 -k secret -in tree/a/1.txt -out backup/1.enc
dd if=/dev/zero of=backup/zero bs=4096 count=4 status=none
sha256sum tree/a/*.txt | sort -k2 >sums && sha256sum -c --quiet sums

# cron, run-parts, logrotate, services
printf '#!/bin/sh\nexec nice -n 19 find "%s/tree" -type f -size +1G\n' "$work" >cron.daily/large && chmod 755 cron.daily/large
run-parts --test cron.daily
run-parts --report cron.daily
sh -c 'cd / && run-parts --report /nonexistent || true'
sh -c '[ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/php/sessionclean; fi'
sh -c 'command -v debian-sa1 >/dev/null && debian-sa1 1 1'
sh -c 'test -x /usr/sbin/anacron || { cd / && run-parts --test /etc/cron.daily; }'
/bin/sh -c 'flock -n backup.lock -c "ionice -c3 nice -n 19 tar cf backup/nightly.tar tree"'
flock -w 5 backup.lock sh -c 'date >>cron.log'
flock -n backup.lock cron.daily/large
timeout 60 nice -n 10 gzip -kf tree/a/1.txt
timeout --signal=TERM 30 sh -c 'sleep 0.01; echo done'
nohup sh -c 'echo background' >nohup.log &
setsid -w true
env -i PATH="$PATH" LANG=C sort sums
env TZ=UTC date
ionice -c2 -n7 cp sums sums.bak
chrt -b 0 true
taskset -c 0 true
stdbuf -oL sed -n 1p sums
printf '%s/*.log {\n su root root\n missingok\n rotate 2\n size 1\n compress\n postrotate\n  /bin/true\n endscript\n}\n' "$work/logs" >rotate.conf
mkdir -p logs && echo entry >logs/app.log
have logrotate && logrotate -d rotate.conf && logrotate -f -s rotate.state rotate.conf
start-stop-daemon --start --background --make-pidfile --pidfile "$work/d.pid" --exec /bin/sleep -- 5
start-stop-daemon --stop --retry 1 --pidfile "$work/d.pid"
start-stop-daemon --status --pidfile "$work/d.pid"
have systemctl && systemctl --version
script -qec 'ls tree' typescript
watch -n1 -t -g date &
watcher=$!

# text, pagers, editors, documentation
awk '{ sum += $2 } END { print sum }' tree/a/1.txt tree/a/2.txt
awk 'BEGIN { while (("date" | getline now) > 0) print now }'
awk -F: '{ print $1 | "sort -u" }' /etc/passwd
sed -i -e 's/line/row/' -e '/^$/d' tree/b/none tree/a/2.txt
sed -n '1,3p;/end/q' sums
have vim && vim -es -u NONE -c '%s/one/two/g' -c 'wq' tree/a/1.txt
have ex && printf '1p\nq\n' | ex -s tree/a/1.txt
have less && less -F sums
have man && man -w ls
PAGER=cat man -P cat true
have dc && echo '2 3 + p' | dc
have bc && echo '2+3' | bc
xxd sums | head -1
zcat backup/tree.tar.gz | head -c 10 | od -c

# developers
git init -q repo && cd repo
git config user.email a@example.org && git config user.name A
printf '#!/bin/sh\ngit diff --cached --check\n' >.git/hooks/pre-commit && chmod 755 .git/hooks/pre-commit
printf 'int main(void) { return 0; }\n' >main.c
printf 'all: main\nmain: main.c\n\tgcc -O1 -o $@ $<\ntest: all\n\t./main && echo ok\nclean:\n\trm -f main\n' >Makefile
git add . && git commit -qm first
git -c core.pager=cat log --oneline
git -c advice.detachedHead=false checkout -q HEAD
git branch next && git gc -q && git fsck
git clone -q . ../clone
make && make test && make clean
cd ..
have cmake && printf 'cmake_minimum_required(VERSION 3.5)\nproject(x NONE)\nadd_custom_target(t ALL COMMAND sh -c "echo built")\n' >CMakeLists.txt && cmake -S . -B out && cmake --build out
python3 -c 'import json, sys; print(json.dumps(sys.version))'
python3 -c 'import subprocess; subprocess.run(["ls", "-l"], check=True)'
python3 -c "import os; os.system('ls tree')"
python3 -m venv --without-pip venv && venv/bin/python -c 'print(1)'
perl -ne 'print if /line/' tree/a/3.txt
perl -e 'system("ls", "tree")'
perl -MPOSIX -e 'print strftime("%F", gmtime), "\n"'
have node && node -e 'console.log(require("child_process").execSync("ls").length)'
have gdb && gdb -q -batch -ex 'info functions main' /bin/true
have strace && strace -f -o trace.txt true
have strace && strace -c sh -c 'ls >/dev/null'
have sqlite3 && sqlite3 db.sqlite 'create table t(x); insert into t values (1); select * from t;'
printf '#!/usr/bin/env bash\necho by env\n' >by-env && chmod 755 by-env && ./by-env
printf '#!/usr/bin/env -S python3 -s\nprint(1)\n' >by-env-s && chmod 755 by-env-s && ./by-env-s
bash -lc 'id -un'
bash -c 'set -o pipefail; ls | sort | uniq -c | sort -rn | head -3'
bash --norc -c 'type ls'
sh -xc 'true'

# accounts, keys, certificates, look-ups
ssh-keygen -q -t ed25519 -N '' -f key && ssh-keygen -lf key.pub
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -days 1 -keyout k.pem -out c.pem
openssl x509 -in c.pem -noout -subject
ssh -G -o ProxyCommand='ssh -W %h:%p jump' example.org >/dev/null
getent passwd root
id; who; uptime; df -h; free; ps aux >/dev/null; ss -ltn; ip -br addr
ldd /bin/ls
ldconfig -p | head -1
dpkg -l bash; dpkg -L bash | head -1; dpkg --compare-versions 1 lt 2
apt-cache policy bash
apt-get -s -qq install bash
su -s /bin/sh -c 'id -u' nobody
runuser -u nobody -- id -u
setpriv --reuid=65534 --clear-groups id -u
unshare -n ip -br link
kill "$watcher"

if [ "${2-}" = packages ]; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq -o DPkg::Lock::Timeout=30 install --no-install-recommends hello cron-daemon-common
	dpkg-reconfigure hello
	apt-get -qq -o DPkg::Lock::Timeout=30 purge hello cron-daemon-common
	python3 -m venv pip-venv && pip-venv/bin/pip install -q --no-cache-dir msgpack
fi
wait
exit 0
