"""Candidates judged by workers elsewhere: other processes, other machines.

The seam is `concurrent.futures.Executor`. Ours is the contract: one function (`worker.evaluate`),
one `Task` in, one `Reply` out. A worker keeps its own clone and worktrees; only the campaign's own
process commits, records and decides what comes next.
"""
