"""Training a network on the chips of one region, whatever the strategy.

region_training   `train_region`, and `learn_region` for research without a workspace: what a training consists of
trainer           the loop itself, on Lightning Fabric
processes         one process, or several that train together: who starts them, who leads
local_followers   the processes that the leader starts on its own machine
follower          what the others run
optimizer         AdamW on the parts of the network
update_context    how an update begins: teacher and new decoders
batches           chips are read, augmented and stacked
first_batch       a picture of the first batch, to check images and masks by eye
sampler           which chips a step learns from
best_weights      the weights with the best score on validation chips
checkpoints       when a checkpoint is due, how it is written and read
interruption      signals that ask the training to stop
loggers           CSV files, TensorBoard, MLflow, Weights & Biases
schedule          which stage a step is in, and the learning rates
settings          steps, batch size, devices; what is known of earlier regions; progress and result
"""
