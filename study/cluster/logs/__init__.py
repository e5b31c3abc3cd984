"""A study in TensorBoard, Weights & Biases or MLflow: one logged run for each trial.

All of it follows from the run directory, and nothing is read from it. A trial that goes on is
logged in the same run as before, and what a kill kept out of a log is added by the next session.

    RUN_DIR/logs/
      id                 of this study, among others in the same project or on the same server
      <kind>.jsonl       how many records of a trial a log has; one line for each end of a trial
      <trial_id>/        TensorBoard's event files
      wandb/             what W&B keeps on this machine
      mlflow/            MLflow's database, where MLFLOW_TRACKING_URI names no other
"""
