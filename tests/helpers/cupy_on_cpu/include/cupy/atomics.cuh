// In the place of CuPy's header: cuda_on_cpu.h has the atomic operations.
#pragma once
