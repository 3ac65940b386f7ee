"""Ways to write a file, and who is to be named for it. Each row runs in a folder of its own, by `bash -c`."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """`how` the file comes about: its name; `script` makes `file`; `image`: file name of the writer's program, "" when
    nobody can be named; `line`: how its command line begins; `becomes`: the process had written
    to something before it became that program, or became another right after: on a busy machine it may not be told
    which of the two it was."""

    how: str
    script: str
    file: str
    image: str
    line: str
    becomes: bool = False


ROWS = (
    Row("tee", "echo 'exit 0' | tee x && bash ./x", "x", "tee", "tee x"),
    Row("redirected builtin", "echo 'exit 0' > x; bash ./x", "x", "bash", "bash -ec"),
    Row("redirected program", "printf 'exit 0' | base64 > x", "x", "base64", "base64"),
    Row(
        "opened by the shell", "dash -c 'curl -s file:///etc/passwd > x; :'", "x", "curl", "curl -s file:///etc/passwd"
    ),
    Row("opened by the shell, after a program", "dash -c 'date; echo exit 0 > x; :'", "x", "dash", "dash -c date"),
    Row("here document", "cat > x <<< 'exit 0'", "x", "cat", "cat", True),
    Row("cp", "cp /bin/true x && ./x", "x", "cp", "cp /bin/true x"),
    Row("cp over it", "echo > x; cp /bin/true x", "x", "cp", "cp /bin/true x"),
    Row("install", "install -m755 /bin/true x && ./x", "x", "install", "install -m755"),
    Row("mv keeps the writer", "cp /bin/true a; mv a x; ./x", "x", "cp", "cp /bin/true a"),
    Row("chmod keeps the writer", "dd if=/bin/true of=x; chmod +x x; ./x", "x", "dd", "dd if=/bin/true of=x"),
    Row("a link keeps the writer", "cp /bin/true a; ln a x; ./x", "x", "cp", "cp /bin/true a"),
    Row("one of its names is removed", "cp /bin/true x; ln x a; rm a", "x", "cp", "cp /bin/true x"),
    Row("removed while it runs", "cp /bin/sleep a; ln a x; ./x 0 & rm a; wait", "x", "cp", "cp /bin/sleep a"),
    Row("truncated and written again", "cp /bin/true x; echo > x", "x", "bash", "bash -ec"),
    Row("appended", "cp /bin/true x; dd if=/dev/zero of=x bs=1 count=1 oflag=append conv=notrunc", "x", "dd", "dd if"),
    Row("sed in place", "echo a > x; sed -i s/a/b/ x", "x", "sed", "sed -i"),
    Row("tar", "echo a > x; tar cf t x; rm x; tar xf t", "x", "tar", "tar xf t"),
    Row("curl", "curl -s -o x file:///etc/passwd", "x", "curl", "curl -s -o x file:///etc/passwd"),
    Row("writes, then becomes another", "dash -c 'echo \"exit 0\" > x; exec sh ./x'", "x", "dash", "dash -c", True),
    Row("inherited descriptor", "(exec 3> x; exec dd if=/dev/zero of=/dev/fd/3 bs=1 count=1)", "x", "dd", "dd if"),
    Row(
        "shared mapping",
        "/usr/bin/python3 -c \"import mmap; f = open('x', 'w+b'); f.truncate(4096); m = mmap.mmap(f.fileno(), 4096);"
        ' f.close(); m[0] = 65; m.close()"',
        "x",
        "python3.11",
        "/usr/bin/python3 -c import mmap",
    ),
    Row(
        "no name at first",
        "/usr/bin/python3 -c \"import os; f = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o755); os.write(f, b'x');"
        " os.link(f'/proc/self/fd/{f}', 'x', src_dir_fd=os.open('/', os.O_RDONLY), follow_symlinks=True)\"",
        "x",
        "python3.11",
        "/usr/bin/python3 -c import os",
    ),
)
