"""What a process gives up before it runs code that nobody has read, and how commands are boxed."""
