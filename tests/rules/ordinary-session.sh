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
start-stop-daemon --stop --pidfile "$work/d.pid"
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
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days 1 -keyout k.pem -out c.pem
openssl x509 -in c.pem -noout -subject
ssh -G -o ProxyCommand='ssh -W %h:%p jump' example.org >/dev/null
getent passwd root
id; who; uptime; df -h; free; ps aux >/dev/null; ss -ltn; ip -br addr
ldd /bin/ls
ldconfig -p | head -1
dpkg -l bash; dpkg -L bash | head -1; dpkg --compare-versions 1 lt 2
apt-get -s -qq install bash
su -s /bin/sh -c 'id -u' nobody
runuser -u nobody -- id -u
setpriv --reuid=65534 --clear-groups id -u
unshare -n ip -br link
# ---- second part: more of the same day; what is written here is read by nobody else
mkdir -p more/src more/logs more/cron.daily && cd more || exit 1
for n in 1 2 3 4 5 6 7 8; do echo "GET /page$n 200 $((n * 17))" >>logs/access.log; done
awk '{ n[$3]++ } END { for (s in n) print s, n[s] }' logs/access.log
awk -F'[ /]' 'NR % 2 { print $3 }' logs/access.log | sort | uniq -c | sort -rn | head -5
awk 'BEGIN { printf "%s\n", strftime ? "" : "" }' 2>/dev/null
awk '{ cmd = "date -d @" $4; cmd | getline d; close(cmd); print d }' logs/access.log
awk '$4 > 50 { system("echo slow " $2) }' logs/access.log
sed -E 's,/page([0-9]+),/p\1,' logs/access.log >logs/short.log
sed -i.bak '1d' logs/short.log
grep -rlZ page logs | xargs -0 sed -n 1p
find . -name '*.log' -exec grep -l page {} \;
find . -name '*.log' -exec grep -H 200 {} + | cut -d: -f1 | sort -u
find . -type f -newer logs/short.log -print0 | xargs -0 -I{} cp {} src/
find . -type f -name '*.bak' -execdir mv {} {}.old \;
find . -type f -exec sh -c 'mv "$1" "$1.x" && mv "$1.x" "$1"' _ {} \;
find . -type f -exec bash -c 'printf "%s\n" "${@##*/}"' _ {} +
find /etc -maxdepth 1 -name '*.conf' -exec md5sum {} +
find /usr/share/doc -maxdepth 1 -name 'b*' -exec du -sk {} \;
find . -name core -ok rm {} \; </dev/null
ls logs/*.log | xargs -n1 basename | xargs -I% echo % done
seq 4 | xargs -P2 -I{} sh -c 'echo job {}; exit 0'
printf '%s\0' a b | xargs -0 -n1 sh -c 'echo "$0"'
echo 'a b c' | xargs -n1 bash -c 'echo $0'
cat >script.sh <<'S'
#!/bin/bash
set -eu
trap 'rm -f "$t"' EXIT
t=$(mktemp)
id -un >"$t"
while read -r u; do getent passwd "$u" | cut -d: -f7; done <"$t"
S
chmod 755 script.sh
./script.sh
bash script.sh
bash -x script.sh
timeout 30 ./script.sh
nice -n 10 ./script.sh
nohup ./script.sh >nohup.out 2>&1
env -u LANG ./script.sh
sh -c ./script.sh
flock -n lock ./script.sh
stdbuf -oL ./script.sh | tail -1
ionice -c3 bash script.sh
setsid -w ./script.sh
time -p ./script.sh
timeout 60 bash -c 'for i in 1 2 3; do sleep 0.01; done'
timeout 10 sh -c 'until test -e script.sh; do sleep 1; done'
nice bash -c 'tar cf - logs | gzip >logs.tgz'
nohup sh -c 'sleep 0.01; echo late' >late.out 2>&1
nice -n 19 ionice -c3 sh -c 'tar czf nightly.tgz logs && ls -l nightly.tgz'
nohup nice -n 5 bash -c 'gzip -k logs/access.log' >/dev/null 2>&1
bash -c 'cd logs && for f in *.log; do gzip -c "$f" | wc -c; done'
bash -c 'source ../venv/bin/activate; python -V; deactivate'
sh -c 'umask 077; mktemp -d ./tmp.XXXX; ls -ld tmp.*'
sh -c 'ps -eo pid,comm | awk "\$2 ~ /cron/ {print \$1}" | head -1'
sh -c 'echo "select 1;" | sqlite3 || true'
bash -c 'mapfile -t a < <(ls); echo ${#a[@]}'
bash -c 'diff <(sort logs/access.log) <(sort -r logs/access.log | sort)'
bash -c 'cat <(echo head) logs/access.log | head -2'
bash -c '(exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null || echo closed'
timeout 1 bash -c '</dev/tcp/127.0.0.1/9' || echo closed
bash -c 'read -r x </proc/loadavg; echo "$x"'
bash -c 'export PAGER=cat; git --version; true'
EDITOR=true VISUAL=true crontab -e
PAGER=cat git -C ../repo log -1
GIT_PAGER=cat git -C ../repo show --stat
GIT_EDITOR=true git -C ../repo commit -q --amend --no-edit
GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=1' git ls-remote ssh://127.0.0.1:9/x
git -C ../repo bisect start -q HEAD HEAD~0; git -C ../repo bisect reset -q
git -C ../repo rebase -q -x 'make -q || true' HEAD~0
git -C ../repo stash list
git -C ../repo -c core.editor=true commit --allow-empty -qm empty
git -C ../repo -c diff.external= diff
git -C ../repo -c core.pager='less -F' log -1
git -C ../repo -c alias.st='status -s' st
git -C ../repo config alias.last 'log -1 HEAD'
git -C ../repo last
git -C ../repo archive --format=tar HEAD | tar t
git -C ../repo submodule foreach 'git status'
git -C ../repo worktree add -q ../wt && git -C ../repo worktree remove ../wt
git -C ../repo format-patch -q -1 -o . HEAD
printf '#!/bin/sh\nexec sh -c "true"\n' >../repo/.git/hooks/post-checkout && chmod 755 ../repo/.git/hooks/post-checkout
git -C ../repo checkout -q -b topic
python3 -c 'print(sum(range(10)))'
python3 -c 'import os,sys; sys.exit(os.path.exists("/etc/hosts") is False)'
python3 -c 'import socket; print(socket.gethostname())'
python3 -c 'import base64; print(base64.b64encode(b"x"))'
python3 -c 'import json,subprocess; print(subprocess.check_output(["git","--version"]))'
python3 -c 'import urllib.parse; print(urllib.parse.quote("a b"))'
echo '{}' | python3 -m json.tool
python3 -m compileall -q .
python3 -m http.server --help
python3 -m timeit -n 1 -r 1 1
python3 - <<'S'
import subprocess, tempfile
with tempfile.TemporaryDirectory() as d:
    subprocess.run(["sh", "-c", "ls | sort"], cwd=d, check=True)
    subprocess.run("echo shell", shell=True, check=True)
S
printf 'def test_one():\n    assert 1\n' >test_one.py
python3 -m pytest -q test_one.py || python3 -m unittest -q test_one
printf 'from setuptools import setup\nsetup(name="x", version="1", py_modules=[])\n' >setup.py
python3 setup.py -q --version
perl -lane 'print $F[1]' logs/access.log
perl -MFile::Find -e 'find(sub { }, ".")'
perl -e 'print scalar(localtime), "\n"'
perl -e 'open(my $f, "-|", "ls") or die; print <$f>'
perl -pe 's/page/p/' logs/access.log
printf '#!/usr/bin/perl\nprint `date`;\n' >d.pl && perl d.pl
printf 'CC=gcc\nSHELL=/bin/bash\nall: a.o\n\techo built $$(date +%%s)\na.o: a.c\n\t$(CC) -c a.c\ncheck:\n\t@for i in 1 2; do sh -c "echo $$i"; done\n\t@timeout 5 env A=1 nice sh -c "echo deep"\n' >Makefile
printf 'int f(void) { return 1; }\n' >a.c
make -s
make -s check
make -j2 SHELL=/bin/sh -B
make -n install || true
gcc -shared -fPIC -o libx.so a.c
LD_LIBRARY_PATH=. ldd /bin/ls
env LD_LIBRARY_PATH=. ldd libx.so
ldd libx.so; nm libx.so; objdump -d a.o | head; readelf -h a.o | head -1; strings a.o | head -1
ar cr libx.a a.o && ranlib libx.a
printf 'AC_INIT([x],[1])\nAC_OUTPUT\n' >configure.ac; autoconf || true; test -x configure && ./configure -q
printf '#!/bin/sh\necho configured >config.h\n' >configure && chmod 755 configure && ./configure && sh ./configure && CONFIG_SHELL=/bin/sh ./configure
node -e 'console.log(1+1)'
node -p 'process.version'
printf '{"name":"x","version":"1.0.0","scripts":{"test":"node -e 0","build":"sh -c \\"echo built\\""}}' >package.json
npm test -s
cargo --version; rustc --version; go version
docker ps; podman ps
ssh-keygen -q -t ed25519 -N '' -f rk; ssh-keygen -y -f rk; ssh-keyscan -T 1 127.0.0.1
ssh -V; ssh -Q cipher; ssh -o BatchMode=yes -o ConnectTimeout=1 -p 9 127.0.0.1 uptime
scp -q -o BatchMode=yes -P 9 a.c 127.0.0.1:
openssl rand -hex 8; openssl dgst -sha256 a.c; openssl enc -base64 -in a.c | openssl enc -d -base64; openssl s_client -connect 127.0.0.1:9 </dev/null
gpg --version
curl -s file:///etc/hostname; curl -fsS -o /dev/null http://127.0.0.1:9/; wget -q -O /dev/null http://127.0.0.1:9/
sh -c 'curl -fsS http://127.0.0.1:9/health || exit 1'
sh -c 'curl -s http://127.0.0.1:9/x.json | python3 -m json.tool'
bash -c 'curl -sL http://127.0.0.1:9/x.tgz | tar xz'
sh -c 'wget -qO- http://127.0.0.1:9/key.asc | gpg --dearmor -o k.gpg'
nc -z -w 1 127.0.0.1 9
sh -c 'echo quit | nc -w 1 127.0.0.1 9'
tar -cf x.tar --exclude='*.o' . ; tar -xf x.tar -C src ; tar -tvf x.tar | head -1; tar --zstd -cf z.tar src; tar -I 'gzip -1' -cf y.tgz src; tar -czf - src | split -b 10k - part.; tar --to-command='cat >/dev/null' -xf x.tar
cat part.* | tar tz | head -1
split -l 2 --filter='gzip -9 >$FILE.gz' logs/access.log piece.
zip -q -T s.zip a.c; unzip -p s.zip; 7z l s.zip; cpio -i --list <../backup/tree.cpio
base64 a.c >a.b64; base64 -d a.b64 | cmp - a.c; xxd a.c | xxd -r | cmp - a.c
sh -c 'base64 -d a.b64 | wc -c'
zcat logs.tgz | tar t; gunzip -c logs.tgz | head -c 1 | od
bash -c 'zcat logs.tgz | wc -c'
sort -u --compress-program=gzip -S 1k logs/access.log
dd if=/dev/urandom of=r bs=1k count=2 status=none; shred -u r
cp /etc/cron.d/* . ; cp -a src src2; install -m 755 script.sh src/run; install -d -m 700 priv; mv src2 src3; ln -sf ../a.c src/link; rm -rf src3
echo x | tee out1 out2 | tee -a out3 >/dev/null
date | tee out4 >/dev/null
printf '[Unit]\n' | tee unit.service >/dev/null
chmod u+s src/run; chmod u-s src/run; chmod g+s priv; chown root: src/run; setfacl -m u:nobody:r a.c; getfacl a.c; lsattr a.c; getcap /bin/ping; stat a.c
printf '#!/bin/sh\necho daily\n' >cron.daily/one; printf '#!/bin/sh\ntest -d /proc && exec nice find . -maxdepth 1 -type f\n' >cron.daily/two; chmod 755 cron.daily/*
run-parts cron.daily; run-parts --list cron.daily; run-parts --regex '^one$' cron.daily; run-parts --arg=x --verbose cron.daily
sh -c 'test -x /usr/sbin/anacron || run-parts --report cron.daily'
sh -c 'cd / && run-parts --test /etc/cron.hourly'
su -s /bin/sh nobody -c 'id -gn'
su - root -c 'true'
su root -c 'bash -c true'
runuser -u nobody -- sh -c 'id -u'
runuser -l root -c 'pwd'
sudo -n true; sudo -n -u nobody id; sudo -l -n
sg root -c 'id -g'
setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'id -u'
unshare -n sh -c 'ip link'; unshare -m mount; unshare -p -f --mount-proc ps
nsenter -t $$ -u hostname; ip netns list; ip -s link; ss -tlnp; ip route; hostname -f; uname -a; lscpu | head -1; lsblk; free -m; vmstat; w; last -1; who -b; uptime; dmesg | tail -1; sysctl kernel.ostype; sysctl -n kernel.core_pattern; cat /proc/sys/kernel/core_pattern
chroot / true; chroot / /bin/sh -c 'true'
systemctl list-units; journalctl -n 1; systemctl status cron; systemd-run --version; systemd-analyze --version; loginctl
service --status-all; service cron status; invoke-rc.d cron status; update-rc.d -n cron defaults
start-stop-daemon --start --quiet --pidfile d2.pid --make-pidfile --background --exec /bin/sh -- -c 'sleep 1'
start-stop-daemon --stop --quiet --pidfile d2.pid
update-alternatives --list awk; update-alternatives --display editor; update-alternatives --query pager
dpkg -s bash; dpkg -S /bin/ls; dpkg-query -W -f '${Package}\n' 'base*'; dpkg --print-architecture; dpkg -V bash; dpkg-deb --version; dpkg --audit; dpkg --get-selections | head -1
apt-config dump | head -1; apt-mark showhold
mkdir -p deb/DEBIAN deb/usr/share/x && printf 'Package: x-lt\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' >deb/DEBIAN/control && printf '#!/bin/sh\nset -e\nif [ "$1" = configure ]; then true; fi\n' >deb/DEBIAN/postinst && chmod 755 deb/DEBIAN/postinst && dpkg-deb -b deb x.deb && dpkg-deb -I x.deb && dpkg-deb -x x.deb unpacked && dpkg -i x.deb && dpkg -P x-lt
debconf-show bash; ucf --help; needrestart --version; man-db --version; mandb --version; localedef --help; update-ca-certificates --help; ldconfig -p | tail -1; ldconfig -n .
logrotate --version; logrotate -d ../rotate.conf; logrotate -s ../rotate2.state ../rotate.conf
vim -es -u NONE -c 'set nu' -c '%!sort' -c 'w! v.out' -c 'q!' logs/access.log
vim -es -u NONE -c '%s/page/p/ge' -c 'x! v2.out' logs/access.log
printf 'a\nhello\n.\nw ed.out\nq\n' | ed -s
printf 'g/page/s//p/\nw\nq\n' | ex -s logs/access.log
less -F a.c; more a.c; man -w ls; man -k printf; man -P cat 1 true; PAGER='less -R' man -w ls; nano --version; view -es -c q a.c
gdb -q -batch -ex 'print 1+1'; gdb -q -batch -ex 'info registers' -p $$ ; strace -e trace=openat -o s.txt ls; strace -c true; perf stat true; valgrind --version
watch -n 1 -g -t date & w1=$!; sleep 0.1; kill $w1
script -qc 'make -s' ts; script -q -c 'bash -c "echo x"' ts2
tmux -V; screen -v; byobu --version
sqlite3 db 'create table if not exists t(x)'; sqlite3 db .schema; sqlite3 db '.dump' | head -1; echo '.tables' | sqlite3 db
psql --version; mysql --version; redis-cli --version
rsync -a --exclude .git src/ dst/; rsync -an src/ dst/; rsync -e 'ssh -p 9 -o BatchMode=yes' -a src/ 127.0.0.1:/x
dig +short localhost; host localhost; getent hosts localhost; ping -c 1 -W 1 127.0.0.1; traceroute --version; tcpdump --version
env | sort | head -1; env -i bash -c 'echo clean'; env A=1 B=2 sh -c 'echo $A'; env python3 -V; env -i /bin/true; env TZ=UTC LC_ALL=C ls
busybox ls; busybox sha256sum a.c; busybox --list; busybox awk 'BEGIN{print 1}'
shellcheck --version; for f in *.sh; do sh -n "$f"; bash -n "$f"; done
xdg-user-dir DOWNLOAD; xdg-open --version; run-mailcap --version; lesspipe a.c; zless --version; zgrep -c page logs/access.log; zdiff --version; bzgrep --version
crontab -l; atq; at -V; batch --help
echo 'echo from stdin' | sh
echo 'print(1)' | python3
echo 'print 1' | perl
printf 'date\n' | bash -s
seq 3 | while read -r n; do sh -c "echo $n"; done
ls | sed 's/^/echo /' | head -2 | sh
# ---- third part: what looked like an attack once
tar -cf h.tar /etc/hostname && tar -xf h.tar --to-command=sha256sum
sftp -o BatchMode=yes -P 9 127.0.0.1
git -C ../repo read-tree -u -m HEAD; git -C ../repo config alias.root '!git rev-parse --show-toplevel'; git -C ../repo root
sh -c 'curl -s http://127.0.0.1:9/j | python3 -c "import sys, json; print(json.load(sys.stdin))"; true'
find /etc -maxdepth 1 -type f -exec sh -c 'head -c1 "$1" >/dev/null' _ {} \;
find /etc -maxdepth 1 -type f -print0 | xargs -0 -n1 md5sum
perl -F: -lane 'print $F[0] if $F[2] > 100' /etc/passwd
d=$(mktemp -d); printf '#!/bin/sh\necho installed\n' >"$d/install.sh"; chmod 755 "$d/install.sh"; "$d/install.sh"; sh "$d/install.sh"; timeout 9 "$d/install.sh"; rm -r "$d"
printf '#!/bin/sh\nexec "$@"\n' >install-sh; chmod 755 install-sh; ./install-sh true; sh ./install-sh true
bash -lc 'cd /etc && ls | wc -l'; env -i HOME="$HOME" PATH="$PATH" bash -lc 'echo clean'
mkdir -p .cache/x/bin; cp /bin/true .cache/x/bin/tool; .cache/x/bin/tool; env A=1 .cache/x/bin/tool
cd ..
# a third day: modules, standard input from files, the own shell under a wrapper, scripts that are found and checked
mkdir -p third && cd third || exit 1
printf 'print(1)\n' >s.py; printf 'exit 0\n' >s.sh; printf 'all:\n\t@$(CC) --version\n' >Makefile
python3 -m cProfile -s cumtime s.py; python3 -m trace --count -C cov s.py; python3 -m pdb -c continue -c q s.py
python3 -m timeit -n 1 -r 1 '"-".join(str(n) for n in range(10))'; python3 -m unittest discover -s .; python3 - <s.py
python3 -m pip list --format=freeze; python3 -m compileall -q .; pip3 download --no-index -d w none
bash <s.sh; sh -s -- --prefix=/usr <s.sh; sh -c 'sh <s.sh'; sh -c 'sleep 0.1 &'
find . -name '*.sh' -exec bash -n {} \;
find . -name '*.sh' -exec sh {} \;
ls ./*.sh | xargs -n1 bash -n
env -i PATH="$PATH" HOME="$HOME" bash --norc -c ls
env -S 'ls -la'; nice -5 ls; watch --version
have ssh-agent && ssh-agent bash -c 'ssh-add -l'
have parallel && parallel echo ::: a b
have make && make -j2 CC=gcc
have cmake && cmake -E make_directory d && cmake -E env CC=gcc true
have node && node --trace-warnings -p process.version
have tmux && tmux -L third new-session -d -s x 'sleep 0.1' \; kill-server
split --filter='gzip >$FILE.gz' Makefile; sort --compress-program=gzip Makefile
git ls-remote --heads /none; git config --global core.editor vim; git worktree list
apt-get -qq -s -o Dpkg::Options::=--force-confdef install bash; apt-config dump
systemctl enable none; systemctl list-units --type=service
cd ..
# a fourth day: what builds ask of their tools, checks of services, releases put in their place, passwords out of files
mkdir -p fourth && cd fourth || exit 1
printf 'int main(void) { return 0; }\n' >a.c
sh -c 'echo dumpdef | m4 --nesting-limit=1024 2>&1 >/dev/null'
have autoreconf && printf 'AC_INIT([x],[1])\nAC_PROG_CC\nAC_OUTPUT\n' >configure.ac && autoreconf -fi && ./configure
[ -x /usr/lib/ccache/gcc ] && CCACHE_DIR="$PWD/ccache" /usr/lib/ccache/gcc -o a a.c
have gcc && gcc -o a a.c && have valgrind && valgrind -q ./a
git init -q r; git -C r -c user.name=a -c user.email=a@b commit -q --allow-empty -m x; git -C r difftool -y -x 'diff -u'
bash -c 'exec 3<>/dev/tcp/127.0.0.1/9; echo -e "GET /health HTTP/1.1\r\n\r\n" >&3; timeout 1 cat <&3 | grep -q UP'
bash -c 'curl -fsSLO http://127.0.0.1:9/kubectl && chmod +x ./kubectl && mv ./kubectl /usr/local/bin/ && kubectl version'
bash -c 'chmod +x none.sh; curl -sf -X POST http://127.0.0.1:9/hook; ls'
bash -c 'BORG_PASSCOMMAND="cat pw" borg init -e none r1; BORG_PASSCOMMAND="cat pw" borg create r1::a tree'
perl -e 'print `uname -r`'; python3 -c 'import subprocess; print(subprocess.check_output(["uname", "-m"]))'
awk -F: '($2==""){print $1}' /etc/shadow
tar cf - a.c | openssl enc -aes-256-cbc -pbkdf2 -k secret | tee a.enc | sha256sum
have sqlite3 && sqlite3 app.db '.schema' && sqlite3 app.db '.once o.csv' 'select 1' && sqlite3 app.db '.read /dev/null'
dpkg --no-act --unpack --auto-deconfigure none.deb; dpkg -S /bin/sh
mkdir -p hooks.d; printf '#!/bin/sh\ntrue\n' >hooks.d/a; chmod +x hooks.d/a; sh -c 'run-parts hooks.d'
env ENV=production true; sh -c 'ls env=prod; date'; env RUSTC_WRAPPER=sccache true; env OPENSSL_CONF=/dev/null true
env 'PS4=+ ' bash -xc :; env PERL5OPT=-Mstrict perl -e 1; have ruby && env RUBYOPT=-rjson ruby -e 1
have node && node -e 'console.log(require("child_process").execSync("git --version").toString())'
cd ..
kill "$watcher"

if [ "${2-}" = packages ]; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq -o DPkg::Lock::Timeout=30 install --no-install-recommends hello cron-daemon-common
	dpkg-reconfigure hello
	apt-get -qq -o DPkg::Lock::Timeout=30 purge hello cron-daemon-common
	python3 -m venv pip-venv && pip-venv/bin/pip install -q --no-cache-dir msgpack
fi
wait
echo the end of the day
exit 0
