// Four scenarios at a time: most of one is waiting, for sessions to end and nodes to return.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
