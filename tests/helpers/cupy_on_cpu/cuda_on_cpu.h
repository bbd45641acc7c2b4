// What CUDA adds to C++, so that g++ compiles a kernel and its threads run on the CPU: one block after the other, and in it one thread
// after the other. Only where a kernel has barriers are its threads fibers: a thread that comes to one lets the next thread run.
#pragma once

#include <algorithm>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include <setjmp.h>
#include <ucontext.h>

// Words of the language. One block runs at a time, so that static memory is the block's own.

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __launch_bounds__(...)
#define __constant__ static
#define __shared__ static

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct uint3 {
    unsigned x, y, z;
};

static uint3 threadIdx, blockIdx;
static dim3 blockDim, gridDim;
static const int warpSize = 32;

// Functions. min and max take two types and, of floating-point numbers, prefer one to NaN, as CUDA's do.

using std::isfinite;
using std::isinf;
using std::isnan;

template <class A, class B>
static inline typename std::common_type<A, B>::type min(A a, B b) {
    typedef typename std::common_type<A, B>::type T;
    return (T)b < (T)a || (T)a != (T)a ? (T)b : (T)a;
}
template <class A, class B>
static inline typename std::common_type<A, B>::type max(A a, B b) {
    typedef typename std::common_type<A, B>::type T;
    return (T)a < (T)b || (T)a != (T)a ? (T)b : (T)a;
}

static inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
static inline float rsqrt(float x) { return 1 / std::sqrt(x); }
static inline double rsqrt(double x) { return 1 / std::sqrt(x); }
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __expf(float x) { return std::exp(x); }
static inline float __logf(float x) { return std::log(x); }
static inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }

template <class To, class From>
static inline To same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
static inline int __float_as_int(float x) { return same_bits<int>(x); }
static inline unsigned __float_as_uint(float x) { return same_bits<unsigned>(x); }
static inline float __int_as_float(int x) { return same_bits<float>(x); }
static inline float __uint_as_float(unsigned x) { return same_bits<float>(x); }
static inline long long __double_as_longlong(double x) { return same_bits<long long>(x); }
static inline double __longlong_as_double(long long x) { return same_bits<double>(x); }

static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
static inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
static inline int __ffs(int x) { return __builtin_ffs(x); }

// Half precision can be named by CuPy's headers, and not computed with.
static inline unsigned short __float2half_rn(float) { abort(); }
static inline float __half2float(unsigned short) { abort(); }

// Memory. One thread runs at a time, so that an atomic operation is the operation.

template <class T>
static inline T __ldg(const T* p) { return *p; }
template <class T, class Change>
static inline T replaced(T* p, Change change) {
    T before = *p;
    *p = change(before);
    return before;
}
template <class T, class U>
static inline T atomicAdd(T* p, U v) { return replaced(p, [=](T x) { return (T)(x + v); }); }
template <class T, class U>
static inline T atomicSub(T* p, U v) { return replaced(p, [=](T x) { return (T)(x - v); }); }
template <class T, class U>
static inline T atomicMax(T* p, U v) { return replaced(p, [=](T x) { return max(x, (T)v); }); }
template <class T, class U>
static inline T atomicMin(T* p, U v) { return replaced(p, [=](T x) { return min(x, (T)v); }); }
template <class T, class U>
static inline T atomicOr(T* p, U v) { return replaced(p, [=](T x) { return (T)(x | v); }); }
template <class T, class U>
static inline T atomicAnd(T* p, U v) { return replaced(p, [=](T x) { return (T)(x & v); }); }
template <class T, class U>
static inline T atomicExch(T* p, U v) { return replaced(p, [=](T) { return (T)v; }); }
template <class T>
static inline T atomicCAS(T* p, T expected, T v) { return replaced(p, [=](T x) { return x == expected ? v : x; }); }

static inline void __threadfence() {}
static inline void __threadfence_block() {}

// Fibers ------------------------------------------------------------------------------------------------------------------------
// Each has a stack of its own and is entered by a context; afterwards it is left and entered again by jumps, which cost no system
// call. The address sanitizer follows contexts only.

enum State { READY, AT_BLOCK_BARRIER, AT_WARP_BARRIER, DONE };

struct Fiber {
    ucontext_t context;
    jmp_buf jump;
    char* stack;
    uint3 thread;
    State state;
    bool started;
};

static const size_t STACK = 256 * 1024;
static std::vector<Fiber> fibers;
static int current = -1;                // the fiber that runs; -1 where threads are plain calls
static ucontext_t scheduler_context;
static jmp_buf scheduler_jump;
static void (*thread_body)(void*);
static void* thread_argument;
static uint64_t exchanged[1024];        // what each thread offers in a shuffle

#ifdef __SANITIZE_ADDRESS__
static void resume(Fiber& fiber) { swapcontext(&scheduler_context, &fiber.context); }
static void leave() { swapcontext(&fibers[current].context, &scheduler_context); }
#else
static void resume(Fiber& fiber) {
    if (_setjmp(scheduler_jump)) return;
    if (fiber.started) _longjmp(fiber.jump, 1);
    fiber.started = true;
    setcontext(&fiber.context);
}
static void leave() {
    if (!_setjmp(fibers[current].jump)) _longjmp(scheduler_jump, 1);
}
#endif

static void wait_as(State state) {
    if (current < 0) {
        fprintf(stderr, "cuda_on_cpu: a barrier in a kernel that was thought to have none\n");
        abort();
    }
    fibers[current].state = state;
    leave();
}

static void fiber_entry() {
    thread_body(thread_argument);
    wait_as(DONE);
}

static void prepare(unsigned count) {
    while (fibers.size() < count) {
        fibers.push_back(Fiber());
        fibers.back().stack = (char*)malloc(STACK);
    }
    for (unsigned i = 0; i < count; i++) {
        Fiber& fiber = fibers[i];
        fiber.state = READY;
        fiber.started = false;
        fiber.thread = {i % blockDim.x, i / blockDim.x % blockDim.y, i / (blockDim.x * blockDim.y)};
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack;
        fiber.context.uc_stack.ss_size = STACK;
        makecontext(&fiber.context, fiber_entry, 0);
    }
}

// Lets the threads [start, end) go on if all that are not done wait at this kind of barrier; whether any of them does go on.
static bool release(unsigned start, unsigned end, State barrier) {
    bool any = false;
    for (unsigned i = start; i < end; i++) {
        if (fibers[i].state != barrier && fibers[i].state != DONE) return false;
        any |= fibers[i].state == barrier;
    }
    for (unsigned i = start; any && i < end; i++)
        if (fibers[i].state == barrier) fibers[i].state = READY;
    return any;
}

static bool release_all(unsigned count) {
    bool any = release(0, count, AT_BLOCK_BARRIER);
    for (unsigned start = 0; start < count; start += warpSize) any |= release(start, min(start + warpSize, count), AT_WARP_BARRIER);
    return any;
}

// Runs a block whose threads meet at barriers. False where some wait for ever, because others never come to their barrier.
static bool run_fibers(unsigned count, bool reversed) {
    prepare(count);
    do {
        for (unsigned k = 0; k < count; k++) {
            Fiber& fiber = fibers[reversed ? count - 1 - k : k];
            if (fiber.state != READY) continue;
            current = &fiber - &fibers[0];
            threadIdx = fiber.thread;
            resume(fiber);
        }
    } while (release_all(count));
    current = -1;
    for (unsigned i = 0; i < count; i++)
        if (fibers[i].state != DONE) return false;
    return true;
}

static bool run_threads(unsigned count, bool reversed) {
    for (unsigned k = 0; k < count; k++) {
        unsigned i = reversed ? count - 1 - k : k;
        threadIdx = {i % blockDim.x, i / blockDim.x % blockDim.y, i / (blockDim.x * blockDim.y)};
        thread_body(thread_argument);
    }
    return true;
}

// Barriers and shuffles -----------------------------------------------------------------------------------------------------------

static inline void __syncthreads() { wait_as(AT_BLOCK_BARRIER); }
static inline void __syncwarp(unsigned = 0xffffffffu) { wait_as(AT_WARP_BARRIER); }

// The value that another thread of the warp offers.
template <class T>
static inline T shuffled(T value, int source) {
    static_assert(sizeof(T) <= sizeof exchanged[0], "");
    memcpy(&exchanged[current], &value, sizeof value);
    __syncwarp();
    T found;
    memcpy(&found, &exchanged[source], sizeof found);
    __syncwarp();
    return found;
}
template <class T>
static inline T __shfl_sync(unsigned, T value, int lane, int width = 32) { return shuffled(value, current - current % width + lane % width); }
template <class T>
static inline T __shfl_down_sync(unsigned, T value, unsigned by, int width = 32) {
    return shuffled(value, current % width + (int)by < width ? current + (int)by : current);
}
template <class T>
static inline T __shfl_up_sync(unsigned, T value, unsigned by, int width = 32) {
    return shuffled(value, current % width >= (int)by ? current - (int)by : current);
}
template <class T>
static inline T __shfl_xor_sync(unsigned, T value, int mask, int width = 32) {
    int lane = current % width ^ mask;
    return shuffled(value, lane < width ? current - current % width + lane : current);
}

// Launching -----------------------------------------------------------------------------------------------------------------------
// Arguments come as CUDA gives them to a kernel, as pointers to values; their types are those of the kernel's parameters.

template <class Kernel>
struct Call;
template <class... Types>
struct Call<void (*)(Types...)> {
    void (*kernel)(Types...);
    void** arguments;

    template <size_t... I>
    void run(std::index_sequence<I...>) {
        kernel((*(typename std::remove_reference<Types>::type*)arguments[I])...);
    }
    static void body(void* call) { ((Call*)call)->run(std::index_sequence_for<Types...>{}); }
};

// Runs every block; 1 where threads of one wait for ever at a barrier.
template <class... Types>
static int launch(void (*kernel)(Types...), void** arguments, const unsigned* sizes, bool has_barriers, bool reversed) {
    Call<void (*)(Types...)> call{kernel, arguments};
    thread_body = call.body;
    thread_argument = &call;
    gridDim = dim3(sizes[0], sizes[1], sizes[2]);
    blockDim = dim3(sizes[3], sizes[4], sizes[5]);
    size_t blocks = (size_t)gridDim.x * gridDim.y * gridDim.z;
    for (size_t k = 0; k < blocks; k++) {
        size_t i = reversed ? blocks - 1 - k : k;
        blockIdx = {(unsigned)(i % gridDim.x), (unsigned)(i / gridDim.x % gridDim.y), (unsigned)(i / gridDim.x / gridDim.y)};
        if (!(has_barriers ? run_fibers : run_threads)(blockDim.x * blockDim.y * blockDim.z, reversed)) return 1;
    }
    return 0;
}

#define LAUNCHER(name, kernel, has_barriers)                                              \
    extern "C" int name(void** arguments, const unsigned* sizes, int reversed) {          \
        return launch(&kernel, arguments, sizes, has_barriers, reversed);                 \
    }
