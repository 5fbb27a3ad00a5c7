"""What people call beside the pipeline: a preview of the data, runs compared, the page of plots."""
