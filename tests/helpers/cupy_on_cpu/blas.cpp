// cuBLAS: its matrix products in plain loops, summed in double precision; column-major, as BLAS is. For the small shapes of tests.
#include <stddef.h>
#include <stdint.h>

typedef void* Handle;
typedef long long Stride;
enum { SUCCESS = 0, NOT_SUPPORTED = 15, FLOAT32 = 0, FLOAT64 = 1 };

// C = alpha·op(A)·op(B) + beta·C, where C is (m, n) and the products are over k; beta = 0 ignores what was in C.
template <class T>
static int gemm(int ta, int tb, int m, int n, int k, const T* alpha, const T* a, int lda, const T* b, int ldb, const T* beta, T* c, int ldc) {
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) {
            double sum = 0;
            for (int l = 0; l < k; l++)
                sum += (double)a[ta ? l + (size_t)i * lda : i + (size_t)l * lda] * (double)b[tb ? j + (size_t)l * ldb : l + (size_t)j * ldb];
            T& y = c[i + (size_t)j * ldc];
            y = (T)(*alpha * sum + (*beta == 0 ? 0.0 : (double)*beta * (double)y));
        }
    return SUCCESS;
}

// y = alpha·op(A)·x + beta·y
template <class T>
static int gemv(int ta, int m, int n, const T* alpha, const T* a, int lda, const T* x, int incx, const T* beta, T* y, int incy) {
    for (int i = 0; i < (ta ? n : m); i++) {
        double sum = 0;
        for (int j = 0; j < (ta ? m : n); j++) sum += (double)a[ta ? j + (size_t)i * lda : i + (size_t)j * lda] * (double)x[(size_t)j * incx];
        T& target = y[(size_t)i * incy];
        target = (T)(*alpha * sum + (*beta == 0 ? 0.0 : (double)*beta * (double)target));
    }
    return SUCCESS;
}

template <class T>
static int dot(int n, const T* x, int incx, const T* y, int incy, T* result) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)x[(size_t)i * incx] * (double)y[(size_t)i * incy];
    *result = (T)sum;
    return SUCCESS;
}

static int gemm_ex(int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int type_a, int lda, const void* b,
                   int type_b, int ldb, const void* beta, void* c, int type_c, int ldc) {
    if (type_a == FLOAT32 && type_b == FLOAT32 && type_c == FLOAT32)
        return gemm(ta, tb, m, n, k, (const float*)alpha, (const float*)a, lda, (const float*)b, ldb, (const float*)beta, (float*)c, ldc);
    if (type_a == FLOAT64 && type_b == FLOAT64 && type_c == FLOAT64)
        return gemm(ta, tb, m, n, k, (const double*)alpha, (const double*)a, lda, (const double*)b, ldb, (const double*)beta, (double*)c, ldc);
    return NOT_SUPPORTED;
}

static intptr_t stream;
static int pointer_mode, math_mode;

extern "C" {

long long products = 0;                 // calls that a GPU would launch a kernel for

int cublasCreate_v2(Handle* handle) { *handle = (Handle)1; return SUCCESS; }
int cublasDestroy_v2(Handle) { return SUCCESS; }
int cublasGetVersion_v2(Handle, int* version) { *version = 120900; return SUCCESS; }
int cublasSetStream_v2(Handle, intptr_t value) { stream = value; return SUCCESS; }
int cublasGetStream_v2(Handle, intptr_t* value) { *value = stream; return SUCCESS; }
int cublasSetPointerMode_v2(Handle, int value) { pointer_mode = value; return SUCCESS; }
int cublasGetPointerMode_v2(Handle, int* value) { *value = pointer_mode; return SUCCESS; }
int cublasSetMathMode(Handle, int value) { math_mode = value; return SUCCESS; }
int cublasGetMathMode(Handle, int* value) { *value = math_mode; return SUCCESS; }

#define FOR_TYPE(T, S)                                                                                                                 \
    int cublas##S##gemm_v2(Handle, int ta, int tb, int m, int n, int k, const T* alpha, const T* a, int lda, const T* b, int ldb,      \
                           const T* beta, T* c, int ldc) {                                                                             \
        products++;                                                                                                                    \
        return gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);                                                             \
    }                                                                                                                                  \
    int cublas##S##gemmStridedBatched(Handle, int ta, int tb, int m, int n, int k, const T* alpha, const T* a, int lda, Stride sa,     \
                                      const T* b, int ldb, Stride sb, const T* beta, T* c, int ldc, Stride sc, int count) {            \
        products++;                                                                                                                    \
        for (int i = 0; i < count; i++) gemm(ta, tb, m, n, k, alpha, a + i * sa, lda, b + i * sb, ldb, beta, c + i * sc, ldc);         \
        return SUCCESS;                                                                                                                \
    }                                                                                                                                  \
    int cublas##S##gemmBatched(Handle, int ta, int tb, int m, int n, int k, const T* alpha, const T** a, int lda, const T** b,         \
                               int ldb, const T* beta, T** c, int ldc, int count) {                                                    \
        products++;                                                                                                                    \
        for (int i = 0; i < count; i++) gemm(ta, tb, m, n, k, alpha, a[i], lda, b[i], ldb, beta, c[i], ldc);                           \
        return SUCCESS;                                                                                                                \
    }                                                                                                                                  \
    int cublas##S##gemv_v2(Handle, int ta, int m, int n, const T* alpha, const T* a, int lda, const T* x, int incx, const T* beta,     \
                           T* y, int incy) {                                                                                           \
        products++;                                                                                                                    \
        return gemv(ta, m, n, alpha, a, lda, x, incx, beta, y, incy);                                                                  \
    }                                                                                                                                  \
    int cublas##S##dot_v2(Handle, int n, const T* x, int incx, const T* y, int incy, T* result) { return dot(n, x, incx, y, incy, result); }
FOR_TYPE(float, S)
FOR_TYPE(double, D)

int cublasGemmEx(Handle, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int type_a, int lda, const void* b,
                 int type_b, int ldb, const void* beta, void* c, int type_c, int ldc, int, int) {
    products++;
    return gemm_ex(ta, tb, m, n, k, alpha, a, type_a, lda, b, type_b, ldb, beta, c, type_c, ldc);
}

int cublasSgemmEx(Handle, int ta, int tb, int m, int n, int k, const float* alpha, const void* a, int type_a, int lda,
                  const void* b, int type_b, int ldb, const float* beta, void* c, int type_c, int ldc) {
    products++;
    return gemm_ex(ta, tb, m, n, k, alpha, a, type_a, lda, b, type_b, ldb, beta, c, type_c, ldc);
}

int cublasGemmStridedBatchedEx(Handle, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int type_a, int lda,
                               Stride sa, const void* b, int type_b, int ldb, Stride sb, const void* beta, void* c, int type_c, int ldc,
                               Stride sc, int count, int, int) {
    products++;
    Stride size = type_a == FLOAT64 ? 8 : 4;
    for (int i = 0; i < count; i++) {
        int status = gemm_ex(ta, tb, m, n, k, alpha, (const char*)a + i * sa * size, type_a, lda, (const char*)b + i * sb * size, type_b,
                             ldb, beta, (char*)c + i * sc * size, type_c, ldc);
        if (status) return status;
    }
    return SUCCESS;
}
}
