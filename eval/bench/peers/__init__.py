"""The same work done by this project, its peers and the bare parts below it, each in a process and an environment of its own."""
