// TeachingLab
