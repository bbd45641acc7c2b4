// In the place of CuPy's header: complex numbers are the C++ library's.
#pragma once
#include <complex>
namespace thrust { template <class T> using complex = std::complex<T>; }
using std::complex;
