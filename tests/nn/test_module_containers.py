"""Containers behave as PyTorch's: numbering, slices, arithmetic, and what is refused."""

import pytest

torch = pytest.importorskip("torch")
from side_by_side import assert_same  # noqa: E402

PRELUDE = """
from collections import OrderedDict
nn = T.nn
def row(): return nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
def named(): return nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh()))
def lst(): return nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.Sigmoid()])
def dic(): return nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
def params(): return nn.ParameterList([T.ones(2), nn.Parameter(T.zeros(3)), 7])
def pdict(): return nn.ParameterDict({"a": T.ones(1), "b": T.zeros(2, 3), "c": 3})
def after(value, act):
    result = act(value)
    return [value, result if result is not value else "itself"]
"""

PROGRAMS = """
nn.Sequential()
named()
nn.Sequential({'a': nn.ReLU()})
nn.Sequential([nn.ReLU()])
nn.Sequential(3)
nn.Sequential(nn.ReLU)
[row()[0], row()[-1], row()[1:], row()[::2], named()[1:], row()[True]]
row()[3]
row()[-4]
row()['0']
row()[1.0]
[len(row()), list(row()), [n for n, _ in named().named_children()], named().a]
after(row(), lambda s: s.append(nn.ELU()))
after(named(), lambda s: s.append(nn.ELU()))
after(row(), lambda s: s.insert(1, nn.ELU()))
after(row(), lambda s: s.insert(-1, nn.ELU()))
after(row(), lambda s: s.insert(3, nn.ELU()))
row().insert(4, nn.ELU())
row().insert(0, 3)
after(row(), lambda s: s.extend([nn.ELU(), nn.GELU()]))
row().extend(3)
row().append(3)
after(row(), lambda s: s.pop(1))
after(row(), lambda s: s.__delitem__(0))
after(row(), lambda s: s.__delitem__(slice(0, 2)))
after(named(), lambda s: s.__delitem__(0))
after(row(), lambda s: s.__setitem__(0, nn.ELU()))
after(named(), lambda s: s.__setitem__(-1, nn.ELU()))
row().__setitem__(3, nn.ELU())
row().__setitem__(0, 3)
row() + row()
row() + 3
after(row(), lambda s: s.__iadd__(row()))
row() * 2
2 * row()
row() * 0
row() * 'a'
after(row(), lambda s: s.__imul__(2))
lst()
nn.ModuleList()
nn.ModuleList(3)
nn.ModuleList([3])
nn.ModuleList([nn.Sequential(nn.Linear(1, 2), nn.ReLU())] * 3 + [nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 3)])
nn.Sequential(nn.ModuleList([nn.ReLU(), nn.ReLU()]), nn.ModuleDict({'x': nn.ModuleList([nn.Tanh()])}))
[lst()[0], lst()[-1], lst()[1:], len(lst()), list(lst())]
lst()[3]
after(lst(), lambda s: s.append(nn.ELU()))
after(lst(), lambda s: s.extend([nn.ELU()]))
after(lst(), lambda s: s.insert(1, nn.ELU()))
after(lst(), lambda s: s.insert(3, nn.ELU()))
after(lst(), lambda s: s.pop(0))
after(lst(), lambda s: s.__delitem__(1))
after(lst(), lambda s: s.__delitem__(slice(1, None)))
after(lst(), lambda s: s.__setitem__(0, nn.ELU()))
lst().__setitem__(9, nn.ELU())
lst() + [nn.ELU()]
after(lst(), lambda s: s.__iadd__([nn.ELU()]))
lst() + 3
lst().extend(3)
lst().append(3)
lst()(T.ones(1))
[n for n, _ in nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1)]).named_parameters()]
[dic(), list(dic()), list(dic().keys()), list(dic().values()), len(dic()), 'a' in dic(), 'z' in dic(), dic()['b'], dic().a]
nn.ModuleDict([('a', nn.ReLU()), ['b', nn.Tanh()]])
nn.ModuleDict(dic())
nn.ModuleDict({'a': 3})
nn.ModuleDict({3: nn.ReLU()})
nn.ModuleDict({'keys': nn.ReLU()})
nn.ModuleDict([('a',)])
nn.ModuleDict([3])
nn.ModuleDict(3)
dic()['z']
dic().pop('z')
dic()(T.ones(1))
after(dic(), lambda s: s.pop('a'))
after(dic(), lambda s: s.update({'c': nn.ELU(), 'a': nn.GELU()}))
after(dic(), lambda s: s.__delitem__('a'))
after(dic(), lambda s: s.clear())
after(dic(), lambda s: s.__setitem__('c', nn.ELU()))
[params(), len(params()), [n for n, _ in params().named_parameters()], params()[0], params()[-1], params()[:1], list(params())]
nn.ParameterList([T.ones(2)])
nn.ParameterList()
nn.ParameterList(3)
nn.ParameterList(T.ones(2))
params()[3]
after(params(), lambda s: s.append(T.ones(4)))
after(params(), lambda s: s.extend([T.ones(4)]))
after(params(), lambda s: s.__iadd__([T.ones(4)]))
after(params(), lambda s: s.__setitem__(1, T.ones(9)))
params()(3)
[pdict(), len(pdict()), list(pdict()), list(pdict().keys()), list(pdict().values()), list(pdict().items()), 'a' in pdict()]
nn.ParameterDict({'a': T.ones(2)})
nn.ParameterDict({'a': T.ones(2).double(), 'b': T.ones(())})
nn.ParameterDict()
[n for n, _ in pdict().named_parameters()]
[pdict()['a'], pdict().b, pdict().get('z'), pdict().get('z', 4), list(reversed(pdict()))]
pdict()['z']
nn.ParameterDict({3: T.ones(1)})
nn.ParameterDict(3)
after(pdict(), lambda s: s.pop('a'))
after(pdict(), lambda s: s.popitem())
after(pdict(), lambda s: s.setdefault('z', T.ones(1)))
after(pdict(), lambda s: s.update([('z', T.ones(1))]))
after(pdict(), lambda s: s.copy())
after(pdict(), lambda s: s.clear())
after(pdict(), lambda s: s.fromkeys(['x', 'y']))
after(pdict(), lambda s: s | {'z': T.ones(1)})
after(pdict(), lambda s: s.__ior__({'z': T.ones(1)}))
pdict()(3)
""".strip().splitlines()


@pytest.mark.parametrize("program", PROGRAMS)
def test_containers_are_those_of_pytorch(program):
    def run(T):
        names = {"T": T}
        exec(PRELUDE, names)
        return eval(program, names)

    assert_same(run)
