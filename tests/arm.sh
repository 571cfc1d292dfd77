#!/bin/sh
# `make test-arm`: compiles the kernels for ARM64, and runs their tests there, in QEMU's emulation of such a CPU.
#
# An ARM64 Python of this system's packages is unpacked into a folder, and the wheels of NumPy and the tests beside it:
# nothing is installed but a compiler and the emulator. That Python runs setup.py, and starts the compiler, which is a
# program of this CPU, and as fast as ever. Where the parts cannot be had it says so and ends well: on other systems, the
# tests of ARM64 are `make test` on such a CPU.
set -eu
PY=$1                # of .venv, for its pip
requirements=$(cat)  # what setup.py and the tests need
folder=$PWD/build/arm
root=$folder/root site=$folder/site python=$folder/python
packages="python3 libpython3-dev libc6-dev libgomp1 libstdc++6"
tools="gcc-aarch64-linux-gnu qemu-user-static"

skip() { echo "SKIPPED: the tests of the kernels on ARM64: $1"; exit 0; }

have() { command -v "$1" > /dev/null; }
tools_are_there() { have aarch64-linux-gnu-gcc && have qemu-aarch64-static; }

# apt-get with lists, packages and status of its own, for ARM64.
apt_for_arm() { APT_CONFIG=$folder/apt.conf apt-get -y -qq "$@"; }

get_root() {
    rm -rf "$root" "$site"
    mkdir -p "$folder/state/lists/partial" "$folder/cache/archives/partial" "$root" "$site"
    touch "$folder/state/status"
    cat > "$folder/apt.conf" << END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Dir::State "$folder/state";
Dir::State::status "$folder/state/status";
Dir::Cache "$folder/cache";
END
    # shellcheck disable=SC2086
    apt_for_arm update && apt_for_arm install --download-only $packages || return 1
    for package in "$folder"/cache/archives/*.deb; do dpkg-deb -x "$package" "$root" || return 1; done
    # -0: what it takes for its own name, and starts where a test asks for another process. It keeps its bytecode:
    # without, each process would compile Python's library anew.
    cat > "$python" << END
#!/bin/sh
PYTHONHOME='$root/usr' PYTHONDONTWRITEBYTECODE= exec qemu-aarch64-static -0 '$python' -L '$root' '$root/usr/bin/python3' "\$@"
END
    chmod +x "$python"
}

get_wheels() {
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "$requirements" | "$PY" -m pip --disable-pip-version-check --quiet install --target "$site" \
        --implementation cp --python-version "$version" --only-binary :all: --platform manylinux_2_28_aarch64 \
        --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 --requirement /dev/stdin
    find "$site" -name "*.pxd" -exec touch -d 2000-01-01 {} +  # or Cython would translate everything anew
    touch "$folder/ready"
}

[ "$(uname -m)" != aarch64 ] || skip "this is such a CPU; make test runs them"
have apt-get || skip "their parts come from the packages of Debian, and there is no apt-get"
if ! tools_are_there; then
    # shellcheck disable=SC2086
    [ "$(id -u)" = 0 ] || skip "first, as root: apt-get install $tools"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get -qq update && apt-get -y -qq install --no-install-recommends $tools; } > /dev/null || :
    tools_are_there || skip "apt-get finds no $tools"
fi
if ! [ -e "$folder/ready" ]; then
    echo "Unpacking a Python for ARM64 in build/arm ..."
    get_root || skip "apt-get finds no packages of this system for ARM64"
    get_wheels
fi

echo "Compiling the kernels for ARM64 ..."
export PYTHONPATH="$folder/lib:$site"
headers=$(echo "$root"/usr/include/python3.*)  # setup.py is told of those of this system's own Python
CC="aarch64-linux-gnu-gcc --sysroot=$root -I$headers" NNLITE_ARCH=armv8-a NNLITE_CACHES="64K 1M" \
    "$python" setup.py --quiet build --build-lib "$folder/lib" --build-temp "$folder/temp"
echo "Running their tests ..."
# Left out: sums of a million rows, weights larger than caches, work that is large enough to be shared by threads, what
# threads may not change or leave behind, and errors that are measured in 128 bits, but for those of exp. In an emulator
# these took most of the time, and they are the same C on every CPU.
but_not="pytorch or threads_do_not_matter or long_sums or distant or cache or shared or shape9 or leaves_behind or 700000"
but_not="$but_not or (float64 and (gelu or cdf or (error_bound and not exp)))"
PYTHONSAFEPATH=1 "$python" -m pytest -q -p no:cacheprovider --hypothesis-profile portable \
    --tx "$(nproc)*popen//python=$python" --dist worksteal \
    tests/kernels tests/layers tests/test_subnormal.py \
    -k "(not layers or compiled_is_the_reference) and not ($but_not)"
