"""The guidelines of Radford et al. 2015 as a check of any two models (notebook 05).

rules.py  check_guidelines and its report
graph.py  a Keras model as the graph of its layers
"""
