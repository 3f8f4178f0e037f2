"""Bends the hand's mesh by anatomical joint angles."""

import math

import torch
from torch import Tensor

from asl.rendering.joints import FINGERS, JOINTS, finger_bones
from asl.rendering.mesh import RestHand


def bone_transforms(hand: RestHand, angles: Tensor) -> Tensor:
    """Returns how each bone moves from the resting pose.

    Args:
        hand: of B bones.
        angles: (len(JOINTS),) in degrees, in the order of `JOINTS`. Gradients pass through.

    Returns:
        (B, 4, 4), from resting to posed coordinates.
    """
    value = dict(zip(JOINTS, angles.deg2rad(), strict=True))

    def turn(joint: str, axis: str | None = None) -> Tensor:
        offset = math.radians(hand.rest.get(joint, 0.0))
        return _rotation(hand.axes[axis or joint], value[joint] - offset)

    eye = torch.eye(3, dtype=angles.dtype)
    root, middle, last = finger_bones(0)
    local = {
        root: turn("thumb CMC flexion") @ turn("thumb CMC abduction") @ turn("thumb CMC rotation"),
        middle: turn("thumb MCP flexion"),
        last: turn("thumb IP flexion"),
    }
    for i, finger in enumerate(FINGERS[1:], start=1):
        root, middle, last = finger_bones(i)
        axis = f"{finger} flexion"
        local[root] = turn(f"{finger} abduction") @ turn(f"{finger} MCP flexion", axis)
        local[middle] = turn(f"{finger} PIP flexion", axis)
        local[last] = turn(f"{finger} DIP flexion", axis)
    # The hand keeps its place, and the forearm bends away from it.
    x, z = torch.eye(3, dtype=angles.dtype)[[0, 2]]
    local[0] = _rotation(z, -value["wrist deviation"]) @ _rotation(x, -value["wrist flexion"])

    transforms: list[Tensor] = []
    for bone, parent in enumerate(hand.parents):
        rotation = local.get(bone, eye)
        head = hand.heads[bone]
        step = torch.cat([rotation, (head - rotation @ head)[:, None]], dim=1)
        step = torch.cat([step, torch.tensor([[0, 0, 0, 1.0]], dtype=angles.dtype)])
        transforms.append(step if parent <= 0 else transforms[parent] @ step)
    return torch.stack(transforms)


def _rotation(axis: Tensor, angle: Tensor) -> Tensor:
    """Returns the rotation (3, 3) by an angle in radians about a unit axis (Rodrigues)."""
    zero = axis.new_zeros(())
    x, y, z = axis
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).view(3, 3)
    return (
        torch.eye(3, dtype=axis.dtype)
        + torch.sin(angle) * cross
        + (1 - torch.cos(angle)) * (cross @ cross)
    )


def pose_hand(hand: RestHand, angles: Tensor) -> Tensor:
    """Returns the posed vertices (V, 3), by linear blend skinning; see `bone_transforms`."""
    blended = torch.einsum("vb,bij->vij", hand.weights, bone_transforms(hand, angles)[:, :3])
    return (blended[:, :, :3] @ hand.vertices[:, :, None])[:, :, 0] + blended[:, :, 3]
