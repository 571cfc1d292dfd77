"""One window at a time, of all images and filters together; a list is returned."""

import numpy as np


def conv2d_forward(x, W, b, stride, padding):
    image = np.pad(x, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
    height, width = W.shape[:2]
    rows = range(0, image.shape[1] - height + 1, stride)
    columns = range(0, image.shape[2] - width + 1, stride)
    out = [[np.tensordot(image[:, r : r + height, c : c + width], W, 3) + b for c in columns] for r in rows]
    return np.array(out).transpose(2, 0, 1, 3)


def conv2d_backward(x, W, dy, stride, padding):
    around = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    image = np.pad(x, around)
    dimage, dW = np.zeros_like(image), np.zeros_like(W)
    height, width = W.shape[:2]
    for p, q in np.ndindex(dy.shape[1:3]):
        window = np.s_[:, p * stride : p * stride + height, q * stride : q * stride + width]
        dW += np.einsum("nijc,nf->ijcf", image[window], dy[:, p, q])
        dimage[window] += np.einsum("nf,ijcf->nijc", dy[:, p, q], W)
    inner = slice(padding, -padding or None)
    return [dimage[:, inner, inner], dW, dy.sum((0, 1, 2))]
