"""Build the compiled kernels: the one list of extensions, and the one block of host flags.

NNLITE_ARCH    what -march is told: "native" (the default), or a level such as "x86-64-v3" for a CPU elsewhere
NNLITE_CACHES  sizes of a core's first-level (data) and second-level cache, such as "48K 2M", instead of this CPU's
NNLITE_PURE    set to 1: no kernels, for the wheel that any machine can install, and that runs on NumPy
NNLITE_DEBUG   set to 1: bounds checks in the kernels, checked arguments of their doors, and debugging symbols
"""

import multiprocessing
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, CompileError, LinkError

ARCH = os.environ.get("NNLITE_ARCH", "native")
PURE = os.environ.get("NNLITE_PURE", "0") not in ("", "0")
DEBUG = os.environ.get("NNLITE_DEBUG", "0") not in ("", "0")

# csrc/NAME.pyx becomes nnlite.kernels.NAME. `host` comes first: it is built for any CPU and says, at import,
# whether this one can run the others.
KERNELS = [
    *("activation", "conv2d", "dense", "dropout", "embedding", "gru", "gru_reset_before", "host", "lstm", "norm"),
    *("orthogonal", "pool2d", "rnn", "softmax", "update"),
]

# What Cython adds to each module for its memoryviews is two thirds of the compiler's work: here once, for all of them.
SHARED = "nnlite.kernels._memoryviews"

# The instructions of this CPU, or of the one that NNLITE_ARCH names: the first flag that the compiler knows.
ARCH_FLAGS = [f"-march={ARCH}", f"-mcpu={ARCH}"]

# Every other flag with its reason. A flag that the compiler does not know is left out.
HOST_FLAGS = [
    # GCC prefers 256-bit vectors on CPUs with AVX-512: a third of the tile's speed (51 of 190 GFLOP/s).
    "-mprefer-vector-width=512",
    # Vectorise loops. With checks in them there is little to gain, and with sanitizers the compiler took minutes.
    "-O1" if DEBUG else "-O3",
    # Nobody reads errno after a square root, or the floating-point exception flags: both keep loops scalar.
    "-fno-math-errno",
    "-fno-trapping-math",
    # A backward loop reads and writes up to ten arrays; by default GCC gives up proving ten pairs disjoint.
    "--param=vect-max-version-for-alias-checks=50",
    # Where each sum waits for the last one, GCC multiplies first and then adds, on some CPUs (256 bits on AMD): a tile
    # of one row would be rounded in another way than one of ten.
    "--param=avoid-fma-max-bits=0",
    "-g" if DEBUG else "-g0",
]

# What Clang needs beside them.
CLANG_FLAGS = [
    # Python hands on that it was itself compiled with -fwrapv: Clang then cannot tell how often OpenMP's loops run, and
    # keeps them scalar (25 times as slow for ReLU). No kernel lets a signed number overflow.
    "-fno-wrapv",
    # The same as the alias checks of GCC: Clang gives up where more than eight are needed (a third of an LSTM's step).
    "-mllvm -runtime-memory-check-threshold=100",
    # What Cython writes, and no one here can change; the last without OpenMP.
    "-Wno-absolute-value",
    "-Wno-parentheses-equality",
    "-Wno-unused-but-set-variable",
]

# No multiply-adds, which round once where a CPU without them rounds twice: the same weights on every CPU.
ROUNDED_ALIKE = ["-ffp-contract=off"]

# -ffast-math and its parts flush subnormal numbers to zero in the whole Python process, and reorder the additions
# that exp rounds by: they must not come in through the environment either.
FORBIDDEN_FLAGS = ("-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-fassociative-math")

# First what GCC (and Clang on Linux) take, then Apple's Clang, which has neither the library nor the option for it.
OPENMP_FLAGS = [(["-fopenmp"], ["-fopenmp"]), (["-Xpreprocessor", "-fopenmp"], ["-lomp"])]
HOMEBREW = ("/opt/homebrew", "/usr/local")  # where it keeps what it installs, on Apple's CPUs and on Intel's

# What the compiler is tried on.
EMPTY = "int main(void) { return 0; }\n"
WITH_PYTHON = "#include <Python.h>\n" + EMPTY
WITH_OPENMP = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"

PURE_WHEEL = "the wheel that runs on NumPy, several times slower: pip install --only-binary :all: nnlite-learn"
GET_COMPILER = (
    "Debian, Ubuntu: apt install gcc; Fedora: dnf install gcc; macOS: xcode-select --install; "
    "Windows: wsl --install, and there as on Ubuntu"
)
GET_HEADERS = "Debian, Ubuntu: apt install python3-dev libc6-dev; Fedora: dnf install python3-devel glibc-devel"
GET_OPENMP = (
    "for Clang, Debian, Ubuntu: apt install libomp-dev; Fedora: dnf install libomp-devel; macOS: brew install libomp"
)

# GCC enters every parallel loop through this function of OpenMP's library. What host.h puts before it lets every thread
# flush subnormal numbers, and spares a loop on one thread the making of a team.
SERIAL_LOOPS = "-Wl,--wrap=GOMP_parallel"

# The instruction sets that a kernel may use: predefined macro of the compiler -> name in __builtin_cpu_supports.
# They are those that x86-64 compilers switch on with -march and that can be asked for; other CPUs have none to ask for.
CPU_FEATURES = {
    "__SSE3__": "sse3",
    "__SSSE3__": "ssse3",
    "__SSE4_1__": "sse4.1",
    "__SSE4_2__": "sse4.2",
    "__POPCNT__": "popcnt",
    "__AVX__": "avx",
    "__AVX2__": "avx2",
    "__FMA__": "fma",
    "__BMI__": "bmi",
    "__BMI2__": "bmi2",
    "__AVX512F__": "avx512f",
    "__AVX512BW__": "avx512bw",
    "__AVX512CD__": "avx512cd",
    "__AVX512DQ__": "avx512dq",
    "__AVX512VL__": "avx512vl",
    "__AVX512IFMA__": "avx512ifma",
    "__AVX512VBMI__": "avx512vbmi",
    "__AVX512VBMI2__": "avx512vbmi2",
    "__AVX512VNNI__": "avx512vnni",
    "__AVX512BITALG__": "avx512bitalg",
    "__AVX512VPOPCNTDQ__": "avx512vpopcntdq",
    "__AVX512BF16__": "avx512bf16",
}


def cache_sizes(folder="/sys/devices/system/cpu/cpu0/cache"):
    """What NNLITE_CACHES or the system says of a core's caches, as C macros; host.h has defaults."""
    given = os.environ.get("NNLITE_CACHES", "")
    sizes = given.split()
    if sizes and not re.fullmatch(r"[1-9][0-9]*[KM] +[1-9][0-9]*[KM]", given.strip()):
        raise SystemExit(f'nnlite: NNLITE_CACHES: expected two sizes such as "48K 2M", got {given!r}')
    if not sizes and sys.platform == "darwin":
        command = ["sysctl", "-n", "hw.perflevel0.l1dcachesize", "hw.perflevel0.l2cachesize"]
        sizes = subprocess.run(command, capture_output=True, text=True).stdout.split()
    levels = dict(zip("12", sizes, strict=False))
    for file in Path(folder).glob("index*/size"):  # which Linux leaves out where ARM's firmware does not tell it
        level, kind, size = ((file.parent / name).read_text().strip() for name in ("level", "type", "size"))
        if level in "12" and kind != "Instruction" and not sizes:
            levels[level] = size
    units = {"K": "1024", "M": "1048576"}
    return [
        (f"L{level}_BYTES", f"({size.rstrip('KM')} * {units.get(size[-1], '1')})") for level, size in levels.items()
    ]


def homebrew_openmp():
    """OPENMP_FLAGS for the libomp of Homebrew, which keeps it where no compiler looks."""
    prefixes = [f"{folder}/opt/libomp" for folder in HOMEBREW]
    if brew := shutil.which("brew"):
        answer = subprocess.run([brew, "--prefix", "libomp"], capture_output=True, text=True)
        prefixes = answer.stdout.splitlines() + prefixes
    return [
        (["-Xpreprocessor", "-fopenmp", f"-I{prefix}/include"], [f"-L{prefix}/lib", "-lomp"])
        for prefix in prefixes
        if Path(prefix, "lib").is_dir()  # brew names it also where it is not installed
    ]


class BuildKernels(build_ext):
    """build_ext with the host flags, as far as the compiler at hand knows them."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()
        if self.inplace:  # so for an editable install, too, which else would compile everything each time
            self.build_lib = os.path.join("build", "inplace")

    def build_extensions(self):
        self.require_compiler()
        arch = next((flag for flag in ARCH_FLAGS if self.compiles([flag])), None)
        if arch is None:
            raise CompileError(f"the compiler knows no -march={ARCH}: set NNLITE_ARCH to one that it knows")
        clang = "__clang__" in self.macros([])
        wanted = HOST_FLAGS + CLANG_FLAGS if clang else HOST_FLAGS
        flags = [arch, *(part for flag in wanted if self.compiles(flag.split()) for part in flag.split())]
        pairs = [*OPENMP_FLAGS, *homebrew_openmp()]
        openmp = next((pair for pair in pairs if self.compiles(*pair, program=WITH_OPENMP)), None)
        if openmp is None:
            print(f"nnlite: without OpenMP the kernels run on one thread ({GET_OPENMP})", file=sys.stderr)
        compile_openmp, link_openmp = openmp or ([], [])
        serial_loops = not clang and self.compiles(compile_openmp, [*link_openmp, SERIAL_LOOPS])
        features, caches = self.cpu_features(flags), cache_sizes()
        for extension in self.extensions:
            alike = ROUNDED_ALIKE if extension.name.endswith(".orthogonal") else []
            extension.extra_compile_args = [*compile_openmp, *flags, *alike]
            extension.extra_link_args = link_openmp
            extension.define_macros = caches
            if extension.name == SHARED:
                extension.extra_compile_args = []
            elif extension.name.endswith(".host"):  # must run anywhere, to say what the others need
                extension.extra_compile_args = compile_openmp
                built = [("BUILT_FOR", f'"{ARCH}"'), ("CPU_FEATURES", features), ("DEBUG", str(int(DEBUG)))]
                extension.define_macros = [*caches, *built]
            elif serial_loops:
                extension.extra_link_args = [*link_openmp, SERIAL_LOOPS]
                extension.define_macros = [*caches, ("SERIAL_LOOPS", None)]
        super().build_extensions()

    def require_compiler(self):
        """Name what is missing: a compiler, one that works, or headers. Without them no flag would be known."""
        if sys.maxsize < 2**32 or sys.byteorder == "big":
            raise CompileError(
                f"nnlite's kernels are written for 64-bit little-endian CPUs (x86-64, ARM64), and this Python is for a "
                f"{64 if sys.maxsize > 2**32 else 32}-bit {sys.byteorder}-endian one. Take {PURE_WHEEL}"
            )
        if self.compiler.compiler_type == "msvc":
            raise CompileError(
                f"nnlite's kernels are written for GCC and Clang, not for MSVC. Take {PURE_WHEEL}; or WSL: "
                f"wsl --install, and there as on Ubuntu. clang-cl reads such C, but setup.py does not call it: untried"
            )
        compiler, *_ = self.compiler.compiler_so
        if shutil.which(compiler) is None:
            raise CompileError(
                f"nnlite compiles its kernels, and there is no C compiler: '{compiler}' was tried. "
                f"Install one ({GET_COMPILER}), or name yours: CC=clang; or take {PURE_WHEEL}"
            )
        command = shlex.join(self.compiler.compiler_so)
        if said := self.complaint(["-Werror"], link_flags=["-lm"]):
            raise CompileError(f"the C compiler does not take an empty program: {command}\n{said}")
        if said := self.complaint([], program=WITH_PYTHON):
            raise CompileError(f"the C compiler needs the headers of Python ({GET_HEADERS}): {command}\n{said}")

    def compiles(self, flags, link_flags=(), program=EMPTY):
        """Whether the compiler takes the flags without a warning, and the linker its own."""
        return not self.complaint(["-Werror", *flags], link_flags, program)

    def complaint(self, flags, link_flags=(), program=EMPTY):
        """What the compiler and the linker say of these flags and a program that they refuse; "" where they take it."""
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
            source = Path(folder, "probe.c")
            source.write_text(program)
            standard_error = os.dup(2)
            os.dup2(said.fileno(), 2)
            try:
                objects = self.compiler.compile([str(source)], folder, extra_postargs=flags)
                if link_flags:
                    # As the kernels are linked, with LDFLAGS: a program would be linked without.
                    probe = os.path.join(folder, "probe")
                    self.compiler.link_shared_object(objects, probe, extra_postargs=list(link_flags))
            except (CompileError, LinkError, CCompilerError) as error:
                said.seek(0)
                return said.read().decode(errors="replace").strip() or str(error)
            finally:
                os.dup2(standard_error, 2)
                os.close(standard_error)
        return ""

    def macros(self, flags):
        """The names of the macros that the compiler predefines under these flags."""
        command = [*self.compiler.compiler_so, *flags, "-dM", "-E", "-x", "c", os.devnull]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        return {line.split()[1] for line in lines}

    def cpu_features(self, flags):
        """The instruction sets that the flags switch on, as C code: FEATURE("avx") FEATURE("avx2") ..."""
        macros = self.macros(flags)
        return " ".join(f'FEATURE("{name}")' for macro, name in CPU_FEATURES.items() if macro in macros)


def extension(name):
    headers = [*Path("csrc").glob("*.h"), *Path("csrc").glob("*.pxd"), Path("nnlite", "kernels", "host.pxd")]
    headers = sorted(map(str, headers))
    return Extension(f"nnlite.kernels.{name}", [f"csrc/{name}.pyx"], include_dirs=["csrc"], depends=headers)


def description():
    """README.md for PyPI, which has no file that it points to: the words of links and pictures stay."""
    text = re.sub(r"!\[([^]]*)\]\((?!https?:)[^)]*\)", r"(Picture: \1.)", Path("README.md").read_text(encoding="utf-8"))
    return re.sub(r"\[([^]]*)\]\((?!https?:)[^)]*\)", r"\1", text)


for variable in ("CFLAGS", "CPPFLAGS", "LDFLAGS"):
    for flag in FORBIDDEN_FLAGS:
        if flag in os.environ.get(variable, "").split():
            raise SystemExit(f"nnlite: {flag} in {variable} would change arithmetic in the whole process: remove it")

if sys.platform == "darwin":  # where a Python may be for two CPUs at once: the kernels are for this one
    os.environ.setdefault("ARCHFLAGS", f"-arch {platform.machine()}")

# Cython translates several modules at once. Other systems than Linux would run this file again for each.
TRANSLATORS = 0
if sys.platform == "linux":
    multiprocessing.set_start_method("fork", force=True)
    TRANSLATORS = min(os.cpu_count() or 1, 8)

setup(
    cmdclass={"build_ext": BuildKernels},
    long_description=description(),
    long_description_content_type="text/markdown",
    ext_modules=[]
    if PURE
    else cythonize(
        [Extension(SHARED, []), *(extension(name) for name in KERNELS)],
        nthreads=TRANSLATORS,
        shared_utility_qualified_name=SHARED,
        include_path=["csrc", "."],
        build_dir="build/cython-debug" if DEBUG else "build/cython",  # where one's C is not taken for the other's
        compiler_directives={
            "language_level": 3,
            "boundscheck": DEBUG,
            "wraparound": False,
            "initializedcheck": DEBUG,
            "cdivision": True,
            "embedsignature": True,
        },
    ),
)
