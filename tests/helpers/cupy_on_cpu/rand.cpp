// cuRAND: its generators by the C++ library's. Other numbers than a GPU's, of the same distributions.
#include <stddef.h>

#include <random>

typedef void* Generator;
static std::mt19937_64 engine(0);

template <class T, class Distribution>
static int fill(T* values, size_t count, Distribution distribution) {
    for (size_t i = 0; i < count; i++) values[i] = distribution(engine);
    return 0;
}

// From 0, which cannot be, to 1, which can.
template <class T>
static int fill_uniform(T* values, size_t count) {
    std::uniform_real_distribution<T> distribution(0, 1);
    return fill(values, count, [&](std::mt19937_64& source) { return 1 - distribution(source); });
}

extern "C" {
int curandCreateGenerator(Generator* generator, int) { *generator = (Generator)1; return 0; }
int curandDestroyGenerator(Generator) { return 0; }
int curandGetVersion(int* version) { *version = 10310; return 0; }
int curandSetStream(Generator, void*) { return 0; }
int curandSetPseudoRandomGeneratorSeed(Generator, unsigned long long seed) { engine.seed(seed); return 0; }
int curandSetGeneratorOffset(Generator, unsigned long long) { return 0; }
int curandSetGeneratorOrdering(Generator, int) { return 0; }
int curandGenerate(Generator, unsigned* values, size_t count) { return fill(values, count, [](std::mt19937_64& source) { return (unsigned)source(); }); }
int curandGenerateUniform(Generator, float* values, size_t count) { return fill_uniform(values, count); }
int curandGenerateUniformDouble(Generator, double* values, size_t count) { return fill_uniform(values, count); }
int curandGenerateNormal(Generator, float* values, size_t count, float mean, float deviation) {
    return fill(values, count, std::normal_distribution<float>(mean, deviation));
}
int curandGenerateNormalDouble(Generator, double* values, size_t count, double mean, double deviation) {
    return fill(values, count, std::normal_distribution<double>(mean, deviation));
}
}
