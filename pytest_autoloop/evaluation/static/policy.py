"""What code that only computes may use, and what it never needs: tables, no logic."""

from __future__ import annotations

#: Of these modules a candidate may import only some names; COMPUTING modules are open.
LIMITED = {
    "io": frozenset({"BytesIO", "StringIO"}),
    "os.path": frozenset(
        {"basename", "commonprefix", "dirname", "isabs", "join", "normpath", "split", "splitext"}
    ),
    "sys": frozenset({"byteorder", "float_info", "hash_info", "int_info", "intern", "maxsize"}),
    "time": frozenset({"gmtime", "mktime", "strftime", "strptime", "struct_time"}),
    "types": frozenset(
        "EllipsisType GenericAlias MappingProxyType NoneType NotImplementedType SimpleNamespace "
        "UnionType".split()
    ),
    "uuid": frozenset(
        {"NAMESPACE_DNS", "NAMESPACE_OID", "NAMESPACE_URL", "UUID", "uuid3", "uuid5"}
    ),
}
#: Public names of computing modules that reach further than computing.
DENIED = {
    "concurrent.futures": frozenset({"InterpreterPoolExecutor", "ProcessPoolExecutor"}),
    "contextlib": frozenset({"chdir", "redirect_stderr", "redirect_stdout"}),
    "copy": frozenset({"dispatch_table"}),
    "dataclasses": frozenset({"make_dataclass"}),
    "decimal": frozenset(
        {"BasicContext", "DefaultContext", "ExtendedContext", "getcontext", "setcontext"}
    ),
    "enum": frozenset({"global_enum"}),
    "random": frozenset({"seed", "setstate"}),
    "string": frozenset({"Formatter"}),
    "typing": frozenset({"ForwardRef", "evaluate_forward_ref", "get_type_hints"}),
}
#: Parts of numpy that a candidate may go through.
NUMPY_PARTS = frozenset({"numpy"}) | frozenset(
    "numpy." + name
    for name in (
        "char dtypes emath exceptions fft lib lib.stride_tricks linalg ma polynomial "
        "polynomial.chebyshev polynomial.hermite polynomial.hermite_e polynomial.laguerre "
        "polynomial.legendre polynomial.polynomial random rec strings typing"
    ).split()
)
#: What numpy offers besides: files, memory, other modules, settings of the whole process.
NUMPY_DENIED = frozenset(
    "DataSource as_strided bit_generator compat core ctypeslib distutils doc f2py fromfile "
    "fromregex genfromtxt get_include load loads loadtxt lookfor matlib memmap mtrand "
    "open_memmap recfromcsv recfromtxt save savetxt savez savez_compressed seed set_printoptions "
    "set_state set_string_function setbufsize seterr seterrcall seterrobj show_config source "
    "test testing tests version".split()
)
#: Modules that other modules carry as attributes; a chain through one of them leads out.
LEADING_OUT = frozenset(
    "__main__ _io _os _pytest _random _sys _thread _warnings asyncio ast atexit bdb builtins "
    "cffi code codecs codeop contextvars copyreg ctypes ctypeslib dis distutils faulthandler "
    "fcntl ftplib gc getpass glob http importlib inspect io linecache logging marshal mmap "
    "multiprocessing nt os pathlib pdb pickle pickletools pkgutil pluggy posix posixpath "
    "psutil pty pydoc pytest pytest_benchmark resource runpy shelve shutil site smtplib socket "
    "socketserver sqlite3 ssl subprocess sys sysconfig tempfile threading timeit tokenize "
    "traceback tracemalloc types unittest urllib warnings weakref webbrowser zipimport".split()
)

FILES = "reads or writes outside of what it is given"
CODE = "turns text into code"
INSIDE = "looks into the interpreter"
#: Built-in names and module names that computing does not need, and why.
NAMES = {
    **dict.fromkeys(("exec", "eval", "compile", "__import__"), CODE),
    **dict.fromkeys(("open", "input", "breakpoint", "help"), FILES),
    **dict.fromkeys(("exit", "quit", "copyright", "credits", "license"), "can end the process"),
    **dict.fromkeys(("globals", "locals", "vars", "dir"), INSIDE),
}
#: Names that may be called with a written-out attribute name, and not handed on.
ATTRIBUTE_CALLS = frozenset({"delattr", "getattr", "setattr"})
#: Attributes of frames, code, generators and functions, without underscores around them.
INTROSPECTION = frozenset(
    "_current_frames _getframe _getframemodulename addaudithook ag_await ag_code ag_frame co_code "
    "co_consts co_filename co_flags co_freevars co_name co_names co_qualname co_varnames cr_await "
    "cr_code cr_frame cr_origin f_back f_builtins f_code f_globals f_lasti f_lineno f_locals "
    "f_trace get_objects get_referents get_referrers gi_code gi_frame gi_yieldfrom mro setprofile "
    "setrecursionlimit setswitchinterval settrace tb_frame tb_lasti tb_lineno tb_next".split()
)
#: Methods that change files or start something, on whatever object a candidate was given.
EFFECTS = frozenset(
    "chmod ctypes exec_module fork fromfile hardlink_to kill lchmod load_module memmap mkdir "
    "popen posix_spawn putenv read_bytes read_text rmdir spawnv symlink_to system tofile touch "
    "unlink unsetenv write_bytes write_text".split()
)
#: Effects that are the same kind of thing: whoever has one may change to the other.
READING = frozenset({"read_bytes", "read_text"})

_OPERATORS = (
    "abs add aenter aexit aiter and anext await bool bytes call ceil complex concat contains copy "
    "deepcopy delitem divmod enter eq exit float floor floordiv format ge getitem gt hash iadd "
    "iand ifloordiv ilshift imatmul imod imul index init int invert ior ipow irshift isub iter "
    "itruediv ixor le len length_hint lshift lt matmul missing mod mul ne neg new next or pos "
    "post_init pow radd rand rdivmod repr reversed rfloordiv rlshift rmatmul rmod rmul ror round "
    "rpow rrshift rshift rsub rtruediv rxor setitem sizeof str sub truediv trunc xor buffer"
)
OPERATORS = frozenset(f"__{name}__" for name in _OPERATORS.split())
#: Special names that a file may define.
DEFINABLE = OPERATORS | frozenset(
    f"__{name}__"
    for name in (
        "all author class_getitem copyright date del delattr delete dir doc email get getattr "
        "getstate license match_args name qualname replace set set_name setattr setstate slots "
        "status title version weakref"
    ).split()
)
#: Special attributes that a file may read.
READABLE = OPERATORS | {
    "__class__",
    "__doc__",
    "__name__",
    "__qualname__",
    "__version__",
    "__slots__",
}
#: Special names that a file may read as plain names.
READABLE_NAMES = READABLE | {"__debug__", "__all__"}
#: Text that is only ever written to get at an attribute of that name.
TELLING_TEXT = INTROSPECTION - {"mro"} | frozenset(
    f"__{name}__"
    for name in (
        "annotations array_interface array_struct base bases builtins cached call class closure "
        "code context cause defaults dict file func getattribute globals import init_subclass "
        "instancecheck kwdefaults loader module mro mro_entries objclass path prepare reduce "
        "reduce_ex self setattr setstate spec subclasscheck subclasses subclasshook traceback "
        "wrapped"
    ).split()
)

#: Methods that change the object they are called on.
MUTATORS = frozenset(
    "__delitem__ __setitem__ add append appendleft clear discard extend extendleft insert pop "
    "popitem popleft register remove setdefault sort update".split()
)
#: Calls that make an empty or filled container.
CONTAINERS = frozenset(
    "Counter OrderedDict array bytearray defaultdict deque dict list set".split()
)
#: What keeps answers from one call to the next.
CACHES = frozenset({"functools.cache", "functools.lru_cache"})
#: Functions that make a function which reads an attribute, given as text.
ATTRIBUTE_MAKERS = frozenset({"operator.attrgetter", "operator.methodcaller"})
