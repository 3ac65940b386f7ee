"""What ordinary events look like: how often a literal is met, and where in it the rare places are. An index is as good
as this guess, a verdict never depends on it."""

from collections import Counter
from functools import cache

from sensor.compiler.fold import fold

PATHS = r"""
C:\Windows\System32\svchost.exe
C:\Windows\System32\services.exe
C:\Windows\System32\lsass.exe
C:\Windows\System32\wbem\WmiPrvSE.exe
C:\Windows\System32\conhost.exe
C:\Windows\System32\cmd.exe
C:\Windows\System32\cmd.exe
C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe
C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe
C:\Windows\System32\rundll32.exe
C:\Windows\System32\taskhostw.exe
C:\Windows\System32\backgroundTaskHost.exe
C:\Windows\System32\RuntimeBroker.exe
C:\Windows\System32\reg.exe
C:\Windows\System32\PING.EXE
C:\Windows\System32\winlogon.exe
C:\Windows\System32\csrss.exe
C:\Windows\System32\wermgr.exe
C:\Windows\System32\net.exe
C:\Windows\System32\schtasks.exe
C:\Windows\System32\dllhost.exe
C:\Windows\SysWOW64\cmd.exe
C:\Windows\explorer.exe
C:\Windows\explorer.exe
C:\Windows\Temp\setup.tmp
C:\Program Files\Google\Chrome\Application\chrome.exe
C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe
C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE
C:\ProgramData\Microsoft\Windows Defender\Platform\4.18\MsMpEng.exe
C:\Users\user\AppData\Local\Temp\file.exe
C:\Users\user\AppData\Local\Microsoft\OneDrive\OneDrive.exe
C:\Users\user\AppData\Roaming\Microsoft\Windows\Recent\x.lnk
C:\Users\user\Desktop\tool.exe
C:\Users\user\Downloads\tool.exe
C:\Windows\System32\ntdll.dll
C:\Windows\System32\kernel32.dll
C:\Windows\System32\KernelBase.dll
C:\Windows\System32\user32.dll
C:\Windows\System32\drivers\tcpip.sys
/usr/bin/bash
/usr/bin/bash
/usr/bin/dash
/bin/sh
/usr/bin/sh
/usr/bin/env
/usr/bin/grep
/usr/bin/sed
/usr/bin/cat
/usr/bin/ls
/usr/bin/gcc
/usr/bin/make
/usr/bin/python3.11
/usr/bin/sudo
/usr/sbin/sshd
/usr/sbin/cron
/usr/lib/systemd/systemd
/usr/lib/gcc/x86_64-linux-gnu/12/cc1
/tmp/build/configure
/home/user/.local/bin/tool
"""
COMMANDS = r"""
C:\Windows\system32\svchost.exe -k netsvcs -p -s Schedule
C:\Windows\System32\svchost.exe -k LocalServiceNetworkRestricted -p
"C:\Windows\system32\cmd.exe" /c "whoami /all"
cmd.exe /c echo hello > C:\Users\user\AppData\Local\Temp\out.txt
C:\Windows\system32\cmd.exe /c net user administrator
C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe -NoProfile -ExecutionPolicy Bypass -Command "Get-Process"
powershell.exe -NonInteractive -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQA
powershell -c "(New-Object Net.WebClient).DownloadFile('http://10.0.0.1/a.exe','a.exe')"
\??\C:\Windows\system32\conhost.exe 0xffffffff -ForceV1
rundll32.exe C:\Windows\System32\shell32.dll,Control_RunDLL
C:\Windows\system32\rundll32.exe C:\Windows\system32\inetcpl.cpl,ClearMyTracksByProcess 255
reg add HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run /v Updater /t REG_SZ /d C:\x.exe /f
reg query "HKLM\SYSTEM\CurrentControlSet\Services" /s
schtasks /create /tn Task /tr C:\x.exe /sc daily /ru system
net localgroup administrators user /add
sc.exe query windefend
C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding
taskhostw.exe /RuntimeBroker
C:\Windows\system32\taskkill.exe /f /im notepad.exe
"C:\Program Files\Google\Chrome\Application\chrome.exe" --type=renderer --lang=en-US https://www.example.com/
"C:\Program Files (x86)\Microsoft\EdgeUpdate\MicrosoftEdgeUpdate.exe" /ua /installsource scheduler
"C:\Users\user\AppData\Local\Microsoft\Teams\Update.exe" --processStart Teams.exe
C:\Windows\Explorer.EXE /factory,{75dff2b7-6936-4c06-a8bb-676a7b00b24b} -Embedding
C:\Windows\System32\msiexec.exe /V
notepad.exe C:\Users\user\Documents\notes.txt
bash -c ls -la /home/user
sh -c echo test | grep -v foo > /dev/null 2>&1
/bin/sh ./configure --prefix=/usr --disable-static
gcc -O2 -g -Wall -I/usr/include -c main.c -o build/main.o
gcc -Wno-unused-result -DNDEBUG -fPIC -I src -c main.c -o /tmp/build/main.o
/usr/lib/gcc/x86_64-linux-gnu/12/cc1 -quiet -I src -imultiarch x86_64-linux-gnu main.c -Wall -o /tmp/ccXXXX.s
/usr/lib/gcc/x86_64-linux-gnu/12/cc1 -quiet -I . -I include main.c -Wall -Wextra -o /tmp/ccXXXX.s
as -I src --64 -o /tmp/ccXXXX.o /tmp/ccXXXX.s
/bin/sh -c rm -f config.log; grep -c processor /proc/cpuinfo
rm -rf /tmp/build
make -j4 all
python3 setup.py install --user
/usr/bin/python3 /usr/bin/pip install package
sudo systemctl restart nginx.service
cat /etc/passwd
find /var/log -name *.log -exec rm {} +
git clone https://github.com/user/repo.git
ping -n 3 127.0.0.1
ping.exe -c 1 10.0.0.1
findstr /i /f list.txt
C:\Windows\System32\ping.exe 192.168.0.1 -n 1
curl -s http://127.0.0.1:8080/health
tar -xzf archive.tar.gz -C /tmp
sed -e s/a/b/g file.txt
"""
REGISTRY = r"""
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\Advanced\Hidden
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\Updater
HKU\S-1-5-21-1004336348-1177238915-682003330-512\Software\Microsoft\Windows\CurrentVersion\Internet Settings
HKLM\System\CurrentControlSet\Services\Tcpip\Parameters\Interfaces\{uuid}\DhcpIPAddress
HKLM\System\CurrentControlSet\Services\bam\State\UserSettings
HKCR\Local Settings\MuiCache
"""
WORDS = """
High
Medium
System
Low
Cmd.Exe
PowerShell.EXE
svchost.exe
RUNDLL32.EXE
reg.exe
net.exe
Windows Command Processor
Windows PowerShell
Host Process for Windows Services
Microsoft Corporation
Microsoft Corporation
Microsoft® Windows® Operating System
NT AUTHORITY\\SYSTEM
NT AUTHORITY\\LOCAL SERVICE
DESKTOP-1\\user
root
1
4
0x1fffff
0x1010
true
false
443
80
10.0.0.1
127.0.0.1
SetValue
CreateKey
"""
CALLS = r"""
C:\Windows\SYSTEM32\ntdll.dll+9c524|C:\Windows\System32\KERNELBASE.dll+2730e|C:\Windows\System32\kernel32.dll+17974
C:\Windows\SYSTEM32\ntdll.dll+a0344|C:\Windows\System32\KERNELBASE.dll+305fe|c:\windows\system32\lsm.dll+e8ed|UNKNOWN(00A7C8B9)
"""
KEYS = r"""
DWORD (0x00000000)
DWORD (0x00000000)
DWORD (0x00000001)
DWORD (0x00000004)
QWORD (0x01d6a1b7-0x8a5f2c10)
Binary Data
Binary Data
(Empty)
C:\Windows\System32\svchost.exe
%SystemRoot%\System32\drivers\x.sys
{12345678-1234-1234-1234-123456789abc}
"""
# where words are few, each is met often: LogonId 0x3e7 is the system's own
_FEW = {
    "IntegrityLevel": "System\nSystem\nHigh\nMedium",
    "LogonId": "0x3e7\n0x3e7\n0x3e4\n0x3e5\n0x14f2a",
    "GrantedAccess": "0x1000\n0x1400\n0x1410\n0x1fffff\n0x1010\n0x40\n0x1478",
    "SignatureStatus": "Valid\nValid\nUnavailable",
    "Signed": "true\ntrue\nfalse",
    "Initiated": "true\nfalse",
    "EventType": "SetValue\nSetValue\nCreateKey\nDeleteValue",
    "Company": "Microsoft Corporation\nMicrosoft Corporation\nGoogle LLC\n-\n?",
    "User": "NT AUTHORITY\\SYSTEM\nNT AUTHORITY\\SYSTEM\nNT AUTHORITY\\LOCAL SERVICE\nDESKTOP-1\\user\nroot",
    "ParentUser": "NT AUTHORITY\\SYSTEM\nNT AUTHORITY\\SYSTEM\nDESKTOP-1\\user\nroot",
    "Protocol": "tcp\nudp",
    "UserId": "0\n0\n1000",
    "EffectiveUserId": "0\n0\n1000",
    # of Linux: four in five of a server's execs stand behind a shell, a build or a wrapper
    "PayloadKind": "command\ncommand\ncommand\ncommand\ninline script\ninline script\ninline script\nscript file\npipe",
    "ProxyFunction": "shell\nshell\nshell\nshell\nshell\nwrapper\ninterpreter\nbuild\nsearch\nprivilege\narchive",
    "ProxyDepth": "1\n1\n1\n1\n2\n2\n2\n3\n3\n4",
    "ProxyChain": "sh\nsh\ndash\ndash\nbash\nbash\nmake\nenv\npython3\nxargs\nfind\ngit\nnice\ntimeout\nsudo\nperl",
    "PayloadImage": "gcc\ngrep\nsed\nrm\ncat\nls\ntest\n/usr/bin/sort\n/usr/bin/python3\n./configure\nid",
    "EventID": "4624\n4688\n4634\n4672\n5156\n4658\n4663\n7036\n1\n10\n13\n4103\n4104",
}
_KINDS = {
    "CommandLine": COMMANDS,
    "ParentCommandLine": COMMANDS,
    "PayloadCommandLine": COMMANDS,
    "PayloadPath": PATHS,
    "ScriptBlockText": COMMANDS,
    "TargetObject": REGISTRY,
    "CallTrace": CALLS,
    "Details": KEYS,
    **_FEW,
    **dict.fromkeys(
        ["Image", "ParentImage", "SourceImage", "TargetImage", "ImageLoaded", "TargetFilename", "CurrentDirectory"],
        PATHS,
    ),
}
EVERYTHING = COMMANDS + PATHS + REGISTRY + WORDS + CALLS + KEYS


@cache
def lines(field: str) -> tuple[str, ...]:
    """What the field holds in ordinary events, folded; what fields in general do where it is not known."""
    text = _KINDS.get(field, EVERYTHING if field == "*" else WORDS)
    return tuple(fold(line) for line in text.split("\n") if line)


@cache
def whole(field: str) -> str:
    """Its lines as one text: most literals are in none of them."""
    return "\n".join(lines(field))


@cache
def grams(width: int) -> Counter[bytes]:
    """How often each run of `width` bytes occurs."""
    count: Counter[bytes] = Counter()
    for line in EVERYTHING.split("\n"):
        raw = fold(line).encode()
        count.update(raw[at : at + width] for at in range(len(raw) - width + 1))
    return count
