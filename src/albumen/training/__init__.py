"""How the models are trained: one loop, the tasks it runs, and the export of what comes out."""
