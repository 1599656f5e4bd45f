"""Speed, as ratios to what this machine can do, measured in the same run.

    python -m benchmarks                   # everything, about an hour
    python -m benchmarks di train --quick  # two sections, in their smallest form

Not tests: nothing here fails because a machine is slow or busy. Run it on a quiet one.

- `dynamic_images`: pooling against the plain form, reading, decoding; the view cache
- `training`: where a fold's time goes, against the usual loop and the peak; `effects` tried
- `usual_loop`: that usual loop, in full
- `scaling`: how the time of a leave-one-subject-out run grows
- `engine`: kills, workers and memory of the run engine
- `whole`: imports, the command line, a notebook's start
- `gpu`: a GPU checked and measured, if there is one (``make gpu-check``); `gpu_pooling` and
  `gpu_workers` are parts of it, `one_pass` a kernel
- `folds`: what the sections train; `record`, `clock`, `machine`: result, timing, limits

`simulate_stats`, `operating`, `specifications`, `pretraining`, `twins`, `learning`, `causes`,
`tolerance`, `alarms`, `pages` are commands of their own.
"""
