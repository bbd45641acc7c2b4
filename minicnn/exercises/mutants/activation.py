"""Classic mistakes in activations."""

from math import pi, sqrt

import numpy as np

from ...elementary.arithmetic import sigmoid, tanh
from ...functional import activation as act
from .registry import mutants_of

relu = mutants_of("relu", act.relu)
leaky_relu = mutants_of("leaky_relu", act.leaky_relu)
prelu = mutants_of("prelu", act.prelu)
hardtanh = mutants_of("hardtanh", act.hardtanh)
hardsigmoid = mutants_of("hardsigmoid", act.hardsigmoid)
hardswish = mutants_of("hardswish", act.hardswish)
elu = mutants_of("elu", act.elu)
celu = mutants_of("celu", act.celu)
selu = mutants_of("selu", act.selu)
silu = mutants_of("silu", act.silu)
gelu = mutants_of("gelu", act.gelu)
softplus = mutants_of("softplus", act.softplus)
log_sigmoid = mutants_of("log_sigmoid", act.log_sigmoid)
mish = mutants_of("mish", act.mish)

# Piecewise linear --------------------------------------------------------------------------------------------------------


@relu("forward", "max(x, 0) is 0 below 0; you took the absolute value.")
def absolute_value(x):
    return np.abs(x), act.relu_forward(x)[1]


@relu("forward", "relu keeps what is above 0; you kept what is below.")
def relu_wrong_side(x):
    return np.minimum(x, 0), act.relu_forward(x)[1]


@relu("backward", "dx = dy · [y > 0]; with y ≥ 0 all of dy passes, for y is 0 wherever x was cut off.")
def relu_lets_everything_pass(dy, y, needed):
    return (dy * (y >= 0),)


@relu("pair", "At 0 itself the derivative is taken as 0: x > 0, not x ≥ 0.")
class relu_one_at_the_kink:
    def forward(x):
        return np.maximum(x, 0), x

    def backward(dy, x, needed):
        return (dy * (x >= 0),)


@relu("backward", "dx = dy · [x > 0]; you asked whether dy was above 0.")
def relu_of_the_gradient(dy, y, needed):
    return (dy * (dy > 0),)


@relu("backward", "dx = dy · [y > 0]; you multiplied by y itself.")
def relu_times_y(dy, y, needed):
    return (dy * y,)


@leaky_relu("forward", "Below 0, y = slope · x, not -slope · x.")
def leaky_slope_sign(x, *, negative_slope):
    y, saved = act.leaky_relu_forward(x, negative_slope=negative_slope)
    return np.where(x > 0, x, -negative_slope * x), saved


@leaky_relu("forward", "max(x, slope · x) is a leaky relu only for slopes up to 1.")
def leaky_as_a_maximum(x, *, negative_slope):
    y, saved = act.leaky_relu_forward(x, negative_slope=negative_slope)
    return np.maximum(x, negative_slope * x), saved


@leaky_relu("backward", "Below 0 the derivative is the slope, not 0.")
def leaky_slope_forgotten(dy, saved, needed):
    return (dy * (saved[0] > 0),)


@leaky_relu("backward", "Above 0 the derivative is 1; the slope is that below 0.")
def leaky_slope_on_both_sides(dy, saved, needed):
    return (dy * saved[1],)


@leaky_relu("pair", "With a falling slope, y > 0 says nothing about the side that x was on: keep x.")
class leaky_side_by_output:
    def forward(x, *, negative_slope):
        y, _ = act.leaky_relu_forward(x, negative_slope=negative_slope)
        return y, (y, negative_slope)

    backward = act.leaky_relu_backward


@prelu("forward", "Below 0, y = w · x; you left x as it is.")
def prelu_slope_forgotten(x, w):
    return x * 1, act.prelu_forward(x, w)[1]


@prelu("backward", "Below 0, dx = w · dy; you forgot w.")
def prelu_dx_without_slope(dy, saved, needed):
    x, w = saved
    _, dw = act.prelu_backward(dy, saved, needed)
    return np.where(x > 0, dy, 0 * w), dw


@prelu("backward", "dw sums over all elements that share the slope: pixels and images too. You took the first image's.")
def prelu_dw_of_the_first_image(dy, saved, needed):
    x, w = saved
    _, dw = act.prelu_backward(dy[:1], (x[:1], w), act.prelu.needed(False, True))
    return act.prelu_backward(dy, saved, needed)[0], dw


@prelu("backward", "Only x below 0 was multiplied by w: dw leaves out the positive ones.")
def prelu_dw_of_both_sides(dy, saved, needed):
    x, w = saved
    dx, _ = act.prelu_backward(dy, saved, needed)
    shared = tuple(axis for axis, n in enumerate(w.shape) if n == 1)
    return dx, (x * dy).sum(shared, keepdims=True)


@prelu("backward", "dw is a sum over what shares the slope, not a mean.")
def prelu_dw_is_a_mean(dy, saved, needed):
    x, w = saved
    dx, dw = act.prelu_backward(dy, saved, act.prelu.needed(True, True))
    return dx, dw * w.size / x.size


@hardtanh("forward", "The upper limit is `max`; you used -min.")
def limits_symmetric(x, *, min, max):
    return np.clip(x, min, -min), act.hardtanh_forward(x, min=min, max=max)[1]


@hardtanh("forward", "Limit x from below too; you forgot `min`.")
def lower_limit_forgotten(x, *, min, max):
    return np.minimum(x, max), act.hardtanh_forward(x, min=min, max=max)[1]


@hardtanh("backward", "Outside of the limits y does not move with x: dx is 0 there.")
def gradient_beyond_the_limits(dy, saved, needed):
    return (dy,)


@hardtanh("backward", "What was cut off lies on the limits themselves: they get no gradient.")
def gradient_on_the_limits(dy, saved, needed):
    y, low, high = saved
    return (dy * ((y >= low) & (y <= high)),)


@hardsigmoid("forward", "The slope is 1/6, so that the limits are at -3 and 3; you took Keras's 0.2.")
def slope_of_keras(x):
    return np.clip(0.2 * x + 0.5, 0, 1), x


@hardsigmoid("backward", "dx = dy / 6 between -3 and 3; you forgot the 6.")
def sixth_forgotten(dy, x, needed):
    return (dy * ((x > -3) & (x < 3)),)


@hardsigmoid("backward", "Beyond -3 and 3, y does not move with x: dx is 0 there.")
def sixth_everywhere(dy, x, needed):
    return (dy / 6,)


@hardswish("forward", "hardswish is x · hardsigmoid(x); you forgot the x.")
def factor_x_forgotten(x):
    return act.hardsigmoid_forward(x)


@hardswish("backward", "The product rule has two terms: hardsigmoid(x) + x · hardsigmoid'(x); you dropped the second.")
def hardswish_second_term_dropped(dy, x, needed):
    return (dy * np.clip(x / 6 + 0.5, 0, 1),)


@hardswish("backward", "Above 3, y = x and dx = dy; you made it 0.")
def hardswish_nothing_above(dy, x, needed):
    return (np.where((x > -3) & (x < 3), dy * (x / 3 + 0.5), 0),)

# Exponential below 0 -----------------------------------------------------------------------------------------------------


@elu("forward", "exp(x) - 1 below 0, so that both sides meet at 0; you forgot the 1.")
def elu_one_forgotten(x, *, alpha=1.0, scale=1.0, steepness=1.0):
    y, saved = act.elu_forward(x, alpha=alpha, scale=scale, steepness=steepness)
    return np.where(x > 0, y, y + scale * alpha), saved


@elu("forward", "exp(x) of a large x is infinite, and 0 · ∞ is NaN: limit x to 0 before exp.")
def elu_not_limited(x, *, alpha=1.0, scale=1.0, steepness=1.0):
    below = alpha * np.expm1(x * steepness)
    return ((x > 0) * x + (x <= 0) * below) * scale, (x, alpha, scale, steepness)


@elu("backward", "Below 0 the derivative is alpha · exp(x); you forgot alpha.")
def elu_alpha_forgotten(dy, saved, needed):
    x, _, scale, steepness = saved
    return act.elu_backward(dy, (x, 1.0, scale, steepness), needed)


@elu("backward", "The derivative of exp(x) - 1 is exp(x): the 1 is gone.")
def elu_one_left_over(dy, saved, needed):
    x, alpha, scale, steepness = saved
    return (dy * scale * np.where(x > 0, 1, alpha * steepness * np.expm1(np.minimum(x, 0) * steepness)),)


@elu("backward", "Above 0 the derivative is 1; exp(x) belongs below.")
def elu_exponential_on_both_sides(dy, saved, needed):
    x, alpha, scale, steepness = saved
    return (dy * scale * alpha * steepness * np.exp(x * steepness),)


@celu("forward", "The exponent is x / alpha, which makes it smooth at 0; with x it is an ELU.")
def celu_as_elu(x, *, alpha=1.0):
    return act.elu_forward(x, alpha=alpha)


@celu("backward", "The inner derivative 1/alpha cancels alpha: dx = dy · exp(x / alpha). You left alpha there.")
def celu_inner_derivative_forgotten(dy, saved, needed):
    x, alpha, *_ = saved
    return (dy * np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0) / alpha)),)


@celu("backward", "Below 0 the derivative is exp(x / alpha), not exp(x).")
def celu_exponent_not_divided(dy, saved, needed):
    x, *_ = saved
    return (dy * np.exp(np.minimum(x, 0)),)


@selu("forward", "The scale 1.0507 belongs to both sides; you applied it below 0 only.")
def selu_scale_below_only(x):
    y, saved = act.elu_forward(x, **act.SELU)
    return np.where(x > 0, x, y), saved


@selu("forward", "alpha is 1.6733 and scale is 1.0507; you exchanged them.")
def selu_constants_exchanged(x):
    return act.elu_forward(x, alpha=act.SELU["scale"], scale=act.SELU["alpha"])


@selu("backward", "The scale 1.0507 stays in the derivative; you forgot it.")
def selu_scale_forgotten(dy, saved, needed):
    dx, = act.elu_backward(dy, saved, needed)
    return (dx / act.SELU["scale"],)


# Smooth ------------------------------------------------------------------------------------------------------------------


@silu("forward", "silu is x · σ(x); you forgot the x.")
def silu_factor_forgotten(x):
    return sigmoid(x), x


@silu("backward", "The product rule has two terms: σ + x · σ'; you dropped the second.")
def silu_second_term_dropped(dy, x, needed):
    return (dy * sigmoid(x),)


@silu("backward", "The product rule has two terms: σ + x · σ'; you dropped the first.")
def silu_first_term_dropped(dy, x, needed):
    s = sigmoid(x)
    return (dy * x * s * (1 - s),)


@silu("backward", "σ' = σ · (1 - σ); you left out 1 - σ.")
def silu_wrong_sigmoid_derivative(dy, x, needed):
    s = sigmoid(x)
    return (dy * (s + x * s),)


@gelu("forward", "You computed the tanh approximation where the exact Φ with erf was asked for.")
def gelu_always_tanh(x, *, approximate="none"):
    return x * act.normal_cdf(x, "tanh"), (x, approximate)


@gelu("forward", "The cube in the tanh approximation is weighted by 0.044715.")
def gelu_cube_forgotten(x, *, approximate="none"):
    y, saved = act.gelu_forward(x, approximate=approximate)
    return 0.5 * x * (1 + tanh(sqrt(2 / pi) * x)) if approximate == "tanh" else y, saved


@gelu("forward", "Φ(x) = (1 + erf(x/√2)) / 2; you forgot √2.")
def gelu_root_forgotten(x, *, approximate="none"):
    y, saved = act.gelu_forward(x, approximate=approximate)
    return x * act.normal_cdf(x * sqrt(2), approximate) if approximate == "none" else y, saved


@gelu("backward", "The product rule has two terms: Φ + x · Φ'; you dropped the second.")
def gelu_second_term_dropped(dy, saved, needed):
    return (dy * act.normal_cdf(*saved),)


@gelu("backward", "The derivative is that of the form used forward: erf's and tanh's differ.")
def gelu_derivative_of_the_other_form(dy, saved, needed):
    x, approximate = saved
    return act.gelu_backward(dy, (x, "tanh" if approximate == "none" else "none"), needed)


@softplus("forward", "Divide by beta, so that the slope tends to 1.")
def beta_not_divided(x, *, beta=1.0, threshold=20.0):
    y, saved = act.softplus_forward(x, beta=beta, threshold=threshold)
    return np.where(x * beta > threshold, x, y * beta), saved


@softplus("forward", "exp(x) overflows for large x: use log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)).")
def softplus_overflows(x, *, beta=1.0, threshold=20.0):
    return np.log(1 + np.exp(x * beta)) / beta, (x, beta, threshold)


@softplus("forward", "The threshold is one of beta · x, not of x.")
def threshold_without_beta(x, *, beta=1.0, threshold=20.0):
    return np.where(x > threshold, x, np.logaddexp(x * beta, 0) / beta), (x, beta, threshold)


@softplus("backward", "The derivative is σ(beta · x); you forgot beta.")
def softplus_dx_without_beta(dy, saved, needed):
    x, _, threshold = saved
    return act.softplus_backward(dy, (x, 1.0, threshold), needed)


@softplus("backward", "The inner derivative beta cancels the 1/beta in front; you multiplied by beta.")
def softplus_dx_times_beta(dy, saved, needed):
    dx, = act.softplus_backward(dy, saved, needed)
    return (dx * saved[1],)


@log_sigmoid("forward", "log(σ(x)) is -∞ where σ(x) rounds to 0: write -log(1 + exp(-x)), without overflow.")
def logarithm_of_zero(x):
    return np.log(1 / (1 + np.exp(-x))), x


@log_sigmoid("backward", "The derivative of log σ(x) is σ(-x), not σ(x).")
def log_sigmoid_wrong_side(dy, x, needed):
    return (dy * sigmoid(x),)


@log_sigmoid("backward", "The derivative of the logarithm is missing: σ' / σ, not σ'.")
def log_sigmoid_not_divided(dy, x, needed):
    return (dy * sigmoid(x) * sigmoid(-x),)


@mish("forward", "mish is x · tanh(softplus(x)); you took the sigmoid for the tanh.")
def mish_with_sigmoid(x):
    return x * sigmoid(np.logaddexp(x, 0)), x


@mish("backward", "The product rule has two terms: t + x · t'; you dropped the second.")
def mish_second_term_dropped(dy, x, needed):
    return (dy * np.tanh(np.logaddexp(x, 0)),)


@mish("backward", "t = tanh(softplus(x)) has an inner derivative, σ(x); you forgot it.")
def mish_inner_derivative_forgotten(dy, x, needed):
    t = np.tanh(np.logaddexp(x, 0))
    return (dy * (t + x * (1 - t * t)),)
