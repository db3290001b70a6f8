"""Rows of sparse matrices, wordings x labels for the most part, without a loop over them."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


def row_max(matrix: csr_matrix) -> Floats:
    """The largest value of each row, 0 where none is above it."""
    told = np.diff(matrix.indptr) > 0
    found = np.zeros(matrix.shape[0])
    if told.any():
        found[told] = np.maximum.reduceat(matrix.data, matrix.indptr[:-1][told])
    return np.maximum(found, 0.0)


def row_best(matrix: csr_matrix) -> Indices:
    """The first column that has the largest value of each row; 0 where no value is above 0."""
    told = np.diff(matrix.indptr) > 0
    found = np.zeros(matrix.shape[0], np.int64)
    if told.any():
        top = np.repeat(row_max(matrix), np.diff(matrix.indptr))
        best = (matrix.data == top) & (top > 0)
        column = np.where(best, matrix.indices, matrix.shape[1])
        found[told] = np.minimum.reduceat(column, matrix.indptr[:-1][told])
    return np.where(found == matrix.shape[1], 0, found)


def row_shares(matrix: csr_matrix) -> csr_matrix:
    """The matrix with rows that sum to 1."""
    whole = np.asarray(matrix.sum(axis=1)).ravel()
    return csr_matrix(matrix.multiply(1 / np.maximum(whole, 1e-9)[:, None]))


def at(matrix: csr_matrix, rows: Indices, columns: Indices) -> Floats:
    """The values at these places."""
    if not len(rows):
        return np.zeros(0)  # where SciPy would give a matrix
    return np.asarray(matrix[rows, columns], np.float64).ravel()
