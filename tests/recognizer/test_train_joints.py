import pytest
import torch

from asl.recognizer.found_joints import FoundJoints
from asl.recognizer.joint_reader import JointReader, pose_numbers
from asl.recognizer.recipe import Recipe
from asl.recognizer.train_joints import train_joint_reader

QUIET = {"device": "cpu", "progress": False}


def test_a_reader_learns_signs_from_poses_and_where_to_aim_from_the_others_features():
    torch.manual_seed(0)
    shapes = torch.randn(3, 2, 21, 3)
    labels = torch.arange(120) % 3
    features = torch.rand(120, 672)
    features[:60] /= 4  # two kinds of hands
    side = torch.where(torch.arange(120) < 60, -0.5, 0.5)
    aims = torch.stack([side, 0 * side, 0 * side, 0 * side + 1, 0 * side], dim=1)
    found = FoundJoints(shapes[labels], labels, labels * 0, features, aims)
    reader = JointReader(672)
    before = reader.joints.last["points"].weight.clone()
    recipe = Recipe(image_size=32, joint_epochs=30, joint_trust=0.75)
    losses = train_joint_reader(reader, [found, found], recipe, **QUIET)
    assert len(losses) == 30 and losses[-1] < 0.6 * losses[0] and not reader.training
    assert reader.joints.last["points"].weight.equal(before)
    with torch.inference_mode():
        assert reader.answer(pose_numbers(shapes)).argmax(dim=1).tolist() == [0, 1, 2]
        some = features[[0, 1, 118, 119]]
        places = reader.places(some, torch.tensor([0.0, 0.0, 1.0]).expand(4, 3))
    assert reader.trust.item() == 0.75
    assert places[:2, 0].max() < -0.2 and places[2:, 0].min() > 0.2


def test_an_interrupted_training_goes_on_and_ends_with_the_same_weights(tmp_path, monkeypatch):
    torch.manual_seed(0)
    labels = torch.arange(300) % 3
    found = FoundJoints(
        torch.randn(300, 2, 21, 3), labels, labels, torch.rand(20, 672), torch.randn(20, 5)
    )
    first = JointReader(672).state_dict()
    recipe, options = Recipe(image_size=32, joint_epochs=3), {"checkpoint": tmp_path / "c"} | QUIET

    def trained(**options):
        reader = JointReader(672)
        reader.load_state_dict(first)
        return train_joint_reader(reader, [found], recipe, **options), reader.state_dict()

    losses, weights = trained(**QUIET)
    steps = []

    def interrupt(answer):
        def instead(self, numbers):
            if len(steps) == 7:  # of three an epoch
                raise KeyboardInterrupt
            steps.append(1)
            return answer(self, numbers)

        return instead

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(JointReader, "answer", interrupt(JointReader.answer))
        trained(**options)
    again, resumed = trained(**options)
    assert again == losses and all(resumed[name].equal(weights[name]) for name in weights)
    found = found._replace(groups=labels * 0)
    with pytest.raises(ValueError, match="another training[^$]*weights"):
        trained(**options)
