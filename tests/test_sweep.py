"""The command's arguments become a study; bad ones are named. No Ray here: see tests/cluster."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest

from search_spaces import shapes
from study import sweep as command
from study.commands.common import BAD_INPUT, OwnData
from study.commands.options.spaces import find, names
from study.commands.options.sweep import Spend, Sweep, Tuning, design
from study.commands.recorded import manifest
from study.commands.words import duration
from study.config import R50_FPN, TINY, RunConfig, SearchSpace, from_dict
from study.config.schedule import independent_iterations, iterations, legs
from study.data.formats.coco import AnnotationFile
from study.data.index import Index
from study.data.splits import open_splits
from study.data.statistics import anchor_px
from study.planning.design import Design
from study.planning.pricing.bill import affordable, bill, expected_iterations, strips
from study.planning.stopping import Halving, KeepBest, Rules, Stopping
from study.storage.run_dir import StudyDir
from study.sweep import afforded, check_arms
from study.training.evaluation.chance import chance
from tests.simulated import Simulation, open_study
from tests.simulated import design as simulated

THREE, TWO = Rules(halving=Halving(3)), Rules(best=KeepBest(2))
SPACE = str(Path(__file__).parent / "cluster" / "tiny.py")


def sweep(**changes) -> Sweep:
    return replace(Sweep(space=SPACE, run_dir=Path("unused")), **changes)


def test_the_command_overrides_the_space():
    asked = design(sweep(arms=("scratch",), sizes=(3, 5), lengths=(9,), device="cuda"))
    assert [cell.name for cell in asked.cells] == ["scratch-3", "scratch-5"]
    assert asked.schedule_at(5).lengths == (9,)
    assert asked.space.fixed.device == "cuda"
    assert design(sweep(tuning=Tuning(stopping="none"))).rungs_at(3) is None
    best = Tuning(stopping="best", rules=Rules(best=KeepBest(2)))
    assert design(sweep(tuning=best)).stopping == Stopping(KeepBest(2))
    grid = design(sweep(tuning=Tuning(search="grid"))).search
    assert (grid.first, grid.then) == ("grid", None)  # complete by itself
    assert not design(sweep(tuning=Tuning(schedule="independent"))).schedule_at(3).shared
    own = find(SPACE).budget
    assert design(sweep()).budget == own
    assert design(sweep(budget=Spend(trials=9))).budget == replace(own, trials=9)
    assert design(sweep(budget=Spend(extend="never"))).budget.extend == 0


@pytest.mark.parametrize("name", names())
def test_every_space_that_comes_along_is_found_and_documented(name: str):
    space = find(name)
    assert isinstance(space, SearchSpace) and space.name == name
    assert "python -m study.sweep" in (Path(shapes.__file__).parent / f"{name}.py").read_text()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"space": "shape"},
            "no such search space; did you mean 'shapes'",
        ),
        ({"space": "none.py"}, "no such file"),
        ({"space": __file__}, "SPACE is of type str; it must be a study.config.SearchSpace"),
        ({"space": "custom"}, "--data.train"),
        ({"space": "shapes", "data": OwnData(train=Path("a.json"))}, "brings its own data"),
        ({"arms": ("scratch", "scratch")}, "each once"),
        ({"sizes": (64, 24)}, "ascending"),
        ({"lengths": (4,)}, "longer than the tail"),
        ({"model": "huge"}, "model = 'huge': one of thin"),
        ({"workers": 3}, "workers = 3"),
        ({"max_concurrent": 0}, "max_concurrent = 0"),
        ({"budget": Spend(confirm=-1)}, "confirm = -1"),
        ({"budget": Spend(audit=2)}, "audit = 2: a share"),
        ({"budget": Spend(trials=3, max_hours=2)}, "trials and max_hours: give one"),
        ({"tuning": Tuning(stopping="halve")}, "stopping = 'halve': one of halving, best, none"),
        ({"tuning": Tuning(stopping="best", rules=THREE)}, "halving.eta = 3: only with"),
        ({"tuning": Tuning(stopping="none", rules=TWO)}, "best.trials = 2: only with"),
        ({"tuning": Tuning(search="bayes")}, "search = 'bayes': one of grid, random, sobol"),
        ({"tuning": Tuning(search="cmaes")}, "search = 'cmaes': it remembers more"),
        ({"tuning": Tuning(search="grid", then="tpe")}, "search = 'grid': a part of a grid"),
        ({"tuning": Tuning(search="gp", then="tpe")}, "search = 'gp': learns from its own first"),
        ({"tuning": Tuning(then="cmaes")}, "then = 'cmaes': it remembers more"),
        ({"tuning": Tuning(tails="last")}, "tails = 'last': .* --compare average"),
        (
            {"tuning": Tuning(compare="trunk", schedule="independent")},
            "compare = 'trunk': separate runs",
        ),
    ],
)
def test_bad_arguments_are_named(changes: dict, said: str):
    with pytest.raises(ValueError, match=said):
        design(sweep(**changes))


def test_paths_do_not_depend_on_where_a_worker_runs(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    own = OwnData(
        train=Path("a.json"), train_images=Path("a"), val=Path("b.json"), val_images=Path("b")
    )
    data = design(sweep(space=None, data=own)).space.fixed.data
    assert data.name == "custom"
    assert data.train == str(tmp_path / "a.json") and data.val_images == str(tmp_path / "b")


def test_an_arm_that_does_not_fill_what_is_frozen_is_refused_before_anything_runs():
    def frozen(arm: str) -> Design:
        asked = design(sweep(arms=(arm,)))
        model = asked.space.fixed.model.but(frozen_stages=1)
        fixed = replace(asked.space.fixed, model=model)
        return replace(asked, space=replace(asked.space, fixed=fixed))

    check_arms(frozen("pretext"), num_classes=8)
    with pytest.raises(ValueError, match=r"backbone\.body\.stem\.0\.weight is frozen but was not"):
        check_arms(frozen("scratch"), num_classes=8)


def test_the_bill_adds_up():
    asked = simulated(trials=6, confirm=2)  # 2 arms × 2 sizes, lengths 60, 80, 120, tail 40
    schedule = asked.schedule_at(8)
    cost = bill(asked)
    assert cost.most == 4 * (6 * iterations(schedule) + 2 * 120)
    assert cost.independent == 4 * (6 * independent_iterations(schedule) + 2 * 120)
    # 6 start with 60, 3 go on for 20 and a tail of 40, 2 for 40 and a tail
    assert cost.expected == 4 * (6 * 60 + 3 * 60 + 2 * 80) + 4 * 2 * 120  # the longest confirmed
    assert cost.expected < cost.most < cost.independent
    assert bill(replace(asked, stopping=None)).expected == cost.most
    alone = bill(simulated(schedule="independent", stopping=None, confirm=0))
    assert alone.expected == alone.most == alone.independent == 4 * 6 * (60 + 80 + 120)


def test_the_bill_knows_audits_extensions_and_cross_tuning():
    plain = bill(simulated(confirm=1))
    audited = bill(simulated(confirm=1, audit=0.5))
    # half of 3 trials from their fork at 20 to tails at 80 and 120, of 1 from 40 to that at 120
    assert audited.expected - plain.expected == 4 * 0.5 * (3 * (60 + 80) + 1 * 80)
    crossed = bill(simulated(confirm=2, cross=3))  # one of them would have no run to compare with
    assert (crossed.confirm_runs, crossed.cross_runs) == (4 * 4, 4 * 2)
    extended = bill(simulated(trials=8, extend=1))
    each = iterations(simulated().schedule_at(8))
    assert extended.most - bill(simulated(trials=8)).most == 4 * 4 * 2 * each
    # a best setting of one of two arms lies in an outer tenth of a range: three at four sizes
    assert strips(simulated(extend=1)) == {8: 1, 16: 1}
    assert extended.extra_trials == 2 * 2 * 2  # sizes, arms, trials in each strip
    unextended = bill(simulated(trials=8))
    assert unextended.extra_trials == 0
    assert extended.expected == unextended.expected + 8 * expected_iterations(
        simulated(trials=8), 8
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes", [{}, {"stopping": Stopping(Halving(), "average"), "tails": "last"}]
)
def test_no_study_costs_more_than_the_bill_says_at_most(changes: dict, tmp_path: Path):
    asked = simulated(trials=8, audit=1.0, confirm=2, cross=1, **changes)
    done = Simulation(asked, tmp_path).run()
    spent = 0
    for trial in done.study.trials():
        schedule = from_dict(RunConfig, trial.config()["run"]).schedule
        spent += sum(leg.stop - leg.start for leg in legs(schedule))
        if trial.config()["role"] == "audit":  # it had its trunk
            spent -= schedule.fork(done.study.trial(trial.config()["of"]).config()["stopped_at"])
    assert 0.5 * bill(asked).most < spent <= bill(asked).most


def test_a_study_that_another_sweep_holds_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    begun: list[object] = []
    monkeypatch.setattr(command, "start", lambda plan, *_: begun.append(plan) or 0)
    with StudyDir(tmp_path).lock():
        assert command.main([SPACE, "--run-dir", str(tmp_path)]) == BAD_INPUT
        assert "is in use by process" in capsys.readouterr().err
    assert not begun and not StudyDir(tmp_path).exists
    monkeypatch.setattr(
        command, "start", lambda plan, *_: begun.append(StudyDir(tmp_path).holder()) or 0
    )
    assert command.main([SPACE, "--run-dir", str(tmp_path)]) == 0
    assert begun and begun[0]  # held while it runs


def test_a_budget_only_grows(tmp_path: Path):
    study = open_study(tmp_path, simulated(trials=6))
    study.open(study.manifest | {"budget": asdict(simulated(trials=6, extend=1).budget)})
    for less, said in (({"trials": 5}, "trials = 5: .* has 6 already"), ({"extend": 0}, "extend")):
        asked = simulated(**{"trials": 6, "extend": 1} | less)
        with pytest.raises(ValueError, match=said):
            afforded(asked, Spend(), study)
    paid = afforded(simulated(trials=9, extend=1), Spend(max_images=12_000), study)
    assert paid.budget.trials == 6  # so many images pay for fewer


def test_a_budget_in_images_buys_as_many_trials_as_it_pays_for():
    asked = simulated()
    for trials in (1, 5, 17):
        cost = bill(simulated(trials=trials))
        assert affordable(asked, cost.expected_images).budget.trials == trials
    with pytest.raises(ValueError, match=r"budget of 100 images: one trial .* need 7,040"):
        affordable(asked, 100)


def test_the_ladder_of_the_paper_costs_less_than_half():
    """Five lengths 2x…6x with tails of two thirds of 1x: 780k iterations, not 1,800k."""
    space = simulated().space
    nuisance = replace(space.nuisance, lengths=(180, 270, 360, 450, 540))
    fixed = replace(space.fixed, schedule=replace(space.fixed.schedule, tail=(60, 20)))
    schedule = replace(
        simulated(), space=replace(space, nuisance=nuisance, fixed=fixed)
    ).schedule_at(8)
    assert independent_iterations(schedule) == 1800
    assert iterations(schedule) == 780


def test_durations_read_well():
    assert [duration(s) for s in (5, 600, 4 * 3600, 30 * 86400)] == [
        "5 s",
        "10 min",
        "4.0 h",
        "30 days",
    ]


def test_anchors_span_the_resized_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    # boxes of 10 to 110 px in images of 192 × 192: halved to the network's 96 px
    sides = [10 + k for k in range(101)]
    annotations = [
        {"id": k, "image_id": 1, "category_id": 1, "bbox": [0, 0, side, side], "iscrowd": 0}
        for k, side in enumerate(sides)
    ]
    annotations.append(annotations[0] | {"id": 999, "bbox": [0, 0, 190, 190], "iscrowd": 1})
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "1.png", "width": 192, "height": 192}],
                "annotations": annotations,
                "categories": [{"id": 1, "name": "thing"}],
            }
        )
    )
    index = Index.open(AnnotationFile(path, tmp_path))
    found = anchor_px(index, index.image_id, TINY)
    assert len(found) == len(TINY.anchor_px)
    assert (found[0], found[-1]) == (7.5, 52.5)  # 5 % and 95 % of 5 … 55 px
    ratios = [b / a for a, b in pairwise(found)]
    assert ratios == pytest.approx([ratios[0]] * len(ratios), rel=0.02)


def test_a_space_keeps_its_variant_of_a_model_named_again(tmp_path: Path):
    own = OwnData(
        train=Path("a.json"), train_images=Path("a"), val=Path("b.json"), val_images=Path("b")
    )
    asked = Sweep(run_dir=tmp_path, data=own)
    own_model = design(asked).space.fixed.model
    assert (own_model.short_px, own_model.crop_px) == (160, None)  # evaluated as it trains
    assert design(replace(asked, model="lite0")).space.fixed.model == own_model
    other = design(replace(asked, model="resnet50", arms=("scratch",))).space.fixed.model
    assert other.body.name == "resnet50"
    assert replace(other, body=own_model.body, anchor_px=own_model.anchor_px) == own_model
    full = design(replace(asked, model="resnet50", detector="full", arms=("scratch",)))
    assert full.space.fixed.model == R50_FPN


def test_what_an_image_holds_is_recorded_beside_the_question():
    """A study begun before it was recorded is taken up again: its question is the same."""
    command = sweep(sizes=(3, 5))
    asked = design(command)
    splits = open_splits(asked.space.fixed.data)
    written = manifest(asked, splits, command, [])
    assert written["question"] == asked.question(splits.digests())
    assert set(written["per_image"]) == {"3", "5"}
    assert all(mean["instances"] >= 1 for mean in written["per_image"].values())
    assert json.loads(json.dumps(written)) == written


def test_the_chance_level_is_recorded_beside_the_question_once():
    """Decisions depend on it, so that a study that is taken up again keeps what it began with."""
    command = sweep(sizes=(3, 5))
    asked = design(command)
    splits = open_splits(asked.space.fixed.data)
    written = manifest(asked, splits, command, [])
    assert written["chance"] == chance(splits) and written["chance"].keys() == {"tune", "report"}
    assert manifest(asked, splits, command, [], {"tune": 7.0})["chance"] == {"tune": 7.0}
