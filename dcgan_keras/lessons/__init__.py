"""What only the notebooks need; the package itself never imports it.

games/       small worlds: two numbers, two densities, a ring, a toy GAN
figures/     the figures of each notebook
exercises/   check_* for the exercises of each notebook
guidelines/  the DCGAN guidelines as a check of any two models
explorer.py  sliders through the latent space
latent.py    directions and walks in the latent space
recorded.py  the runs that the course carries
"""
