"""The tiles of `tile.py` as machine code, compiled once for all kernels that call them.

Numba compiles what a function calls along with each function that calls it. With some fifty tiles that takes seconds for
every kernel; and they need few of the passes by which Numba's LLVM improves a program, being written as they should run. So
they are compiled here by themselves, and kernels find them in a table of addresses that has a name.
"""

import time
from functools import cache

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core.registry import cpu_target

from ..compiling import tell
from . import cache as kept
from .tile import TABLE, name_of, name_of_table, place_of, sizes, write_tile

_held = []              # the machine code and the tables, which nothing else keeps alive


@cache
def provide(dtype):
    """Make the tiles for this dtype known to whatever is compiled or loaded after."""
    scalar, name = ir.FloatType() if dtype.itemsize == 4 else ir.DoubleType(), f"tiles_{dtype}"
    code = kept.read(name)
    if code is None:
        tell(name)
        began = time.perf_counter()
        code = _compiled(scalar)
        tell(name, time.perf_counter() - began)
        kept.write(name, code)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    table = np.zeros(TABLE, np.uintp)
    for size in sizes():
        table[place_of(*size)] = engine.get_function_address(name_of(scalar, *size))
    llvm.add_symbol(name_of_table(scalar), table.ctypes.data)
    _held.append((engine, table))


def _target():
    """LLVM's compiler for the CPU that Numba compiles for."""
    triple, cpu, features = cpu_target.target_context.codegen().magic_tuple()
    return llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features, opt=3, jit=True)


def _compiled(scalar):
    """An object file with all tiles for one type of numbers."""
    module, target = ir.Module("minicnn_tiles"), _target()
    module.triple, module.data_layout = target.triple, str(target.target_data)
    for size in sizes():
        write_tile(module, scalar, *size)
    module = llvm.parse_assembly(str(module))
    builder, passes = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options()), llvm.create_new_function_pass_manager()
    passes.add_simplify_cfg_pass()
    passes.add_loop_rotate_pass()                           # the test at a loop's end: one jump a pass, not two
    passes.add_instruction_combine_pass()
    for function in module.functions:
        if not function.is_declaration:
            passes.run(function, builder)
    return target.emit_object(module)
