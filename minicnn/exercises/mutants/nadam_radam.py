"""Classic mistakes in NAdam and RAdam. An update moves p and the running means m and v in place; steps count from 1."""

import numpy as np

from ...optim import nadam as nadam_module
from ...optim import radam as radam_module
from ...optim.adam import adam
from ...optim.nadam import nadam
from ...optim.radam import radam, rectification
from .registry import mutants_of

mutant_nadam = mutants_of("NAdam", nadam_module)
mutant_radam = mutants_of("RAdam", radam_module)

# NAdam: mu_product is the product of all momenta so far, in place --------------------------------------------------------


@mutant_nadam("nadam", "NAdam looks ahead: m̂ mixes m with the present gradient. Yours is Adam.")
def nesterov_forgotten(p, g, m, v, mu_product, *, momentum_decay, **options):
    adam(p, g, m, v, **options)


@mutant_nadam("nadam", "The momentum grows from step to step, with 0.96^(t·ψ); you kept it at β₁.")
def schedule_forgotten(p, g, m, v, mu_product, *, momentum_decay, **options):
    nadam(p, g, m, v, mu_product, momentum_decay=np.inf, **options)


@mutant_nadam("nadam", "The schedule's exponent is t·ψ; you left out ψ, and the momentum grows far too fast.")
def schedule_without_its_rate(p, g, m, v, mu_product, *, momentum_decay, **options):
    nadam(p, g, m, v, mu_product, momentum_decay=1.0, **options)


@mutant_nadam("nadam", "The momenta are multiplied up, μ₁···μₜ; you took the last one to the power of t.")
def product_for_a_power(p, g, m, v, mu_product, *, step, betas, momentum_decay, **options):
    mu_product[...] = (betas[0] * (1 - 0.5 * 0.96 ** (step * momentum_decay))) ** (step - 1)
    nadam(p, g, m, v, mu_product, step=step, betas=betas, momentum_decay=momentum_decay, **options)


@mutant_nadam("nadam", "v starts at 0: divide it by 1 - β₂ᵗ. The schedule needs the true t all the same.")
def nadam_v_not_corrected(p, g, m, v, mu_product, *, step, betas, lr, eps, **options):
    root = (1 - betas[1] ** step) ** 0.5
    nadam(p, g, m, v, mu_product, step=step, betas=betas, lr=lr / root, eps=eps / root, **options)


@mutant_nadam("nadam", "With decoupled weight decay the gradient stays as it is; you added λ·θ to it.")
def nadam_decay_coupled(p, g, m, v, mu_product, *, decoupled_weight_decay, **options):
    nadam(p, g, m, v, mu_product, decoupled_weight_decay=False, **options)


@mutant_nadam("nadam", "maximize turns the gradient around; you ignored it.")
def nadam_maximize_ignored(p, g, m, v, mu_product, *, maximize, **options):
    nadam(p, g, m, v, mu_product, maximize=False, **options)

# RAdam -------------------------------------------------------------------------------------------------------------------


@mutant_radam("rectification", "While v averages over few steps, its root cannot be trusted: step without it up to a length of 5.")
def always_adaptive(beta2, step):
    return rectification(beta2, step) or 1.0


@mutant_radam("rectification", "The first steps are the unadaptive ones; you never began to divide by √v.")
def never_adaptive(beta2, step):
    return None


@mutant_radam("rectification", "The step is multiplied by r, which is small at first; you left it out.")
def rectification_forgotten(beta2, step):
    return rectification(beta2, step) and 1.0


@mutant_radam("rectification", "√v is used where the length exceeds 5, as in PyTorch; from the paper's 4 on it is a step earlier.")
def threshold_of_four(beta2, step):
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * step * beta2**step / (1 - beta2**step)
    if length <= 4:
        return None
    return ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5


@mutant_radam("rectification", "The rectification is the root of the fraction; you took the fraction itself.")
def rectification_without_root(beta2, step):
    r = rectification(beta2, step)
    return r and r * r


@mutant_radam("radam", "m starts at 0: divide it by 1 - β₁ᵗ, in the first steps too.")
def radam_m_not_corrected(p, g, m, v, *, step, lr, betas, **options):
    radam(p, g, m, v, step=step, lr=lr * (1 - betas[0] ** step), betas=betas, **options)


@mutant_radam("radam", "With decoupled weight decay the gradient stays as it is; you added λ·θ to it.")
def radam_decay_coupled(p, g, m, v, *, decoupled_weight_decay, **options):
    radam(p, g, m, v, decoupled_weight_decay=False, **options)
