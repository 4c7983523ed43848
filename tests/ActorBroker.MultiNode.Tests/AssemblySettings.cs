// Clusters of several processes share the machine's cores with the product's own timeouts: one scenario at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
