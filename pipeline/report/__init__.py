"""The pages people look at: tonight's report and the product review, each one file with everything in it."""
